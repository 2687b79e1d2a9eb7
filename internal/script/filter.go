package script

import (
	"encoding/binary"
)

// instruction is a struct sock_filter.
type instruction struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

// What a filter is made of, from linux/filter.h and linux/seccomp.h.
const (
	bpfLoad  = 0x20 // BPF_LD | BPF_W | BPF_ABS
	bpfEqual = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	bpfSet   = 0x45 // BPF_JMP | BPF_JSET | BPF_K
	bpfGive  = 0x06 // BPF_RET | BPF_K

	givesKill  = 0x80000000
	givesEPERM = 0x00050000 | 1
	givesAllow = 0x7fff0000

	offsetNumber       = 0
	offsetArchitecture = 4
	offsetProtection   = 32 // the low half of the third argument

	protExec = 4
)

// calls of the system that a child may make, by architecture.
type systemCalls struct {
	architecture uint32   // AUDIT_ARCH_...
	allowed      []uint32 // whatever their arguments
	mapping      []uint32 // mmap and mprotect: not with PROT_EXEC
}

// filter makes the program that refuses all calls but the allowed ones; calls of
// another architecture kill.
func (s systemCalls) filter() []byte {
	all := []instruction{
		{bpfLoad, 0, 0, offsetArchitecture},
		{bpfEqual, 1, 0, s.architecture},
		{bpfGive, 0, 0, givesKill},
		{bpfLoad, 0, 0, offsetNumber},
	}
	for _, number := range s.allowed {
		all = append(all, instruction{bpfEqual, 0, 1, number}, instruction{bpfGive, 0, 0, givesAllow})
	}
	for _, number := range s.mapping {
		all = append(all, instruction{bpfEqual, 0, 4, number},
			instruction{bpfLoad, 0, 0, offsetProtection},
			instruction{bpfSet, 1, 0, protExec},
			instruction{bpfGive, 0, 0, givesAllow},
			instruction{bpfGive, 0, 0, givesEPERM})
	}
	return instructions(append(all, instruction{bpfGive, 0, 0, givesEPERM}))
}

// instructions gives them as the kernel reads them.
func instructions(all []instruction) []byte {
	code := make([]byte, 0, 8*len(all))
	for _, i := range all {
		code = binary.LittleEndian.AppendUint16(code, i.code)
		code = append(code, i.jt, i.jf)
		code = binary.LittleEndian.AppendUint32(code, i.k)
	}
	return code
}
