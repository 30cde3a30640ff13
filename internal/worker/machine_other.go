//go:build !linux

package worker

// totalMemory and freeDisk are not detected here: configure amount.worker.memory and amount.worker.disk.scratch.
func totalMemory() uint64 { return 0 }

func freeDisk(string) uint64 { return 0 }
