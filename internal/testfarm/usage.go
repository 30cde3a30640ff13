package testfarm

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what the server's process has used so far.
type Usage struct {
	Processor time.Duration // user and system time
	Memory    int64         // resident, in bytes
}

// clockTicks is the unit of times in /proc: 100 a second on every Linux that Go runs on.
const clockTicks = 100

// Usage reads what the running server has used. Only Linux tells.
func (s *Server) Usage() (u Usage, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Pid))
	if err != nil {
		return u, fmt.Errorf("what the server uses: %w", err)
	}
	// The second field is the program's name in parentheses; the 14th and 15th are times, the 24th pages.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	var numbers [3]int64
	for i, field := range []int{14, 15, 24} {
		if numbers[i], err = strconv.ParseInt(string(fields[field-3]), 10, 64); err != nil {
			return u, fmt.Errorf("what the server uses: %w", err)
		}
	}
	u.Processor = time.Duration(numbers[0]+numbers[1]) * time.Second / clockTicks
	u.Memory = numbers[2] * int64(os.Getpagesize())
	return u, nil
}
