package jobattachments

import "golang.org/x/sys/windows"

// diskFree is how many bytes may still be written to the file system of a directory; negative when that is not known.
func diskFree(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1
	}
	var free uint64
	if windows.GetDiskFreeSpaceEx(name, &free, nil, nil) != nil {
		return -1
	}
	return int64(free)
}
