// Package jobattachments moves the files of Deadline Cloud jobs: from the submitter's machine into the queue's bucket, from there to the
// workers, and the results back. It works with any S3, with AWS's own clients and workers, and with Farmhand's.
//
// # Parts
//
//   - [Manifest] is the list of files below one root: [Manifest.Encode] and [DecodeManifest] write and read version 2023-03-03, byte for byte
//     as AWS's library does.
//   - [NewPlan] finds the files of a job and groups them by root; [Hasher] makes manifests of them, with the help of a [HashCache].
//   - [Uploader] sends what is not in the bucket yet, with the help of a [CheckCache]; [Downloader] brings files back.
//   - [ListOutputs] finds what the tasks of a job wrote; [Scan] finds what they are writing.
//   - [Settings], [Root] and [Action] know the layout of the bucket.
//
// # Layout of the bucket
//
//	<root prefix>/Data/<hash>.xxh128                                                 the content of files, by hash
//	<root prefix>/Manifests/<farm>/<queue>/Inputs/<random>/<hash>_input              what a job reads
//	<root prefix>/Manifests/<farm>/<queue>/<job>/<step>/<task>/<time>_<action>/<hash>_output   what a task wrote
//
// Outputs of a chunk of tasks have no <task>. The objects of output manifests name their root in their metadata ([Root.Metadata]).
//
// # Invariants
//
//   - The content of an object has the hash that its key names: a file that changes while it is sent is [ErrChanged], not an object.
//   - A file appears under its name when it is whole and its hash is right, and not before.
//   - No path of a manifest, and no symbolic link that is in its way, leads a download out of its directory.
//   - Whatever ends a transfer, the next one goes on from what was done.
//
// The package does not know the service: it calls no operation of Deadline Cloud.
package jobattachments
