// Command bcryptprimitives writes the one function of Windows' bcryptprimitives.dll that Go programs cannot start without, for versions of
// Wine that lack it: a library with no code, whose ProcessPrng is another name for advapi32's SystemFunction036 (RtlGenRandom). Both take
// a buffer and its length, fill it with random bytes and answer whether they could.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bcryptprimitives FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], library(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const (
	headers = 0x200  // in the file: all headers, padded; the section follows
	section = 0x1000 // in memory: where the section lies, and the size of a page
)

// library returns a library for x86-64 in the Portable Executable format: headers and one section, its table of exports.
func library() []byte {
	exports := exportTable("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
	var b image
	b.WriteString("MZ")
	b.pad(0x3c)
	b.put(uint32(0x40)) // where the next header is
	b.WriteString("PE\x00\x00")
	const machineAMD64, executable, largeAddress, isLibrary = 0x8664, 0x2, 0x20, 0x2000
	b.put(uint16(machineAMD64), uint16(1), uint32(0), uint32(0), uint32(0), uint16(240), uint16(executable|largeAddress|isLibrary))

	const pe32plus, consoleSubsystem, nxCompatible, dynamicBase = 0x20b, 3, 0x100, 0x40
	b.put(uint16(pe32plus), uint16(0), uint32(0), uint32(headers), uint32(0))    // linker, sizes of code and data
	b.put(uint32(0), uint32(section), uint64(0x180000000))                       // entry point: none; base of code; preferred address
	b.put(uint32(section), uint32(headers))                                      // alignments
	b.put(uint16(6), uint16(0), uint16(0), uint16(0), uint16(6), uint16(0))      // versions
	b.put(uint32(0), uint32(2*section), uint32(headers), uint32(0))              // size in memory, size of headers, checksum
	b.put(uint16(consoleSubsystem), uint16(nxCompatible|dynamicBase))            //
	b.put(uint64(1<<20), uint64(1<<12), uint64(1<<20), uint64(1<<12), uint32(0)) // stack and heap
	b.put(uint32(16), uint32(section), uint32(len(exports)))                     // the first of 16 directories is that of the exports
	b.pad(b.Len() + 15*8)

	const initialisedData, readable = 0x40, 0x40000000
	b.WriteString(".edata\x00\x00")
	b.put(uint32(len(exports)), uint32(section), uint32(headers), uint32(headers), uint32(0), uint32(0), uint32(0), uint32(initialisedData|readable))
	b.pad(headers)
	b.Write(exports)
	b.pad(2 * headers)
	return b.Bytes()
}

// exportTable returns the exports of a library with one function, which is forwarded to another library's.
func exportTable(library, function, target string) []byte {
	const directory = 40
	functions := uint32(section + directory)
	names, ordinals, text := functions+4, functions+8, functions+12
	functionName := text + uint32(len(library)) + 1
	targetName := functionName + uint32(len(function)) + 1
	var b image
	b.put(uint32(0), uint32(0), uint32(0), text, uint32(1), uint32(1), uint32(1), functions, names, ordinals)
	b.put(targetName, functionName, uint16(0), uint16(0))
	b.WriteString(library + "\x00" + function + "\x00" + target + "\x00")
	return b.Bytes()
}

// image is a file that grows.
type image struct{ bytes.Buffer }

func (b *image) put(values ...any) {
	for _, v := range values {
		_ = binary.Write(b, binary.LittleEndian, v) // a buffer takes everything
	}
}

func (b *image) pad(size int) { b.Write(make([]byte, size-b.Len())) }
