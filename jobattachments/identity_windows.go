package jobattachments

import "os"

// identity tells files of one file system apart; here it would cost as much as reading a small file.
func identity(os.FileInfo) uint64 { return 0 }
