package objectstoretest

import "testing"

// Run tests a service.
func Run(t *testing.T, target Target) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"Buckets", testBuckets},
		{"RoundTrip", testRoundTrip},
		{"Keys", testKeys},
		{"Heads", testHeads},
		{"Overwrite", testOverwrite},
		{"Missing", testMissing},
		{"Ranges", testRanges},
		{"ReadConditions", testReadConditions},
		{"WriteConditions", testWriteConditions},
		{"Delete", testDelete},
		{"Copy", testCopy},
		{"List", testList},
		{"ListPages", testListPages},
		{"ListEncoding", testListEncoding},
		{"Checksums", testChecksums},
		{"WrongBodies", testWrongBodies},
		{"ChunkedBodies", testChunkedBodies},
		{"Multipart", testMultipart},
		{"MultipartChecksums", testMultipartChecksums},
		{"MultipartRefusals", testMultipartRefusals},
		{"UploadLists", testUploadLists},
		{"Presigned", testPresigned},
		{"ExpectedOwner", testExpectedOwner},
		{"ErrorForm", testErrorForm},
		{"TransferManager", testTransferManager},
		{"Concurrency", testConcurrency},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newSuite(t, target))
		})
	}
}
