// Package diskfile has what the parts of Farmhand share about files on this host's disk: files that are replaced whole,
// directories whose renames are durable, and locks between processes. It knows nothing of what the files hold.
package diskfile
