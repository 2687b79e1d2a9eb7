package script

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// frameMax is the largest frame that a child may send.
const frameMax = 16 << 20

// errFrame is in the error of a frame that no honest child sends.
var errFrame = errors.New("a frame is not one")

// frames reads frames: a length of four bytes, big-endian, then as many bytes. What
// was read of a frame is kept when a deadline passes.
type frames struct {
	from io.Reader
	buf  []byte
	next int // where the next frame begins in buf
}

// read gives the next frame, valid until the next call. A length is not believed:
// memory grows with what arrives.
func (f *frames) read() ([]byte, error) {
	if f.next > 0 {
		f.buf = append(f.buf[:0], f.buf[f.next:]...)
		f.next = 0
	}
	for {
		if len(f.buf) >= 4 {
			size := int(binary.BigEndian.Uint32(f.buf))
			if size > frameMax {
				return nil, fmt.Errorf("%w: it has %d bytes", errFrame, size)
			}
			if len(f.buf) >= 4+size {
				f.next = 4 + size
				return f.buf[4 : 4+size], nil
			}
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

func (f *frames) fill() error {
	const step = 32 << 10
	if cap(f.buf)-len(f.buf) < step {
		grown := make([]byte, len(f.buf), max(2*cap(f.buf), len(f.buf)+step))
		copy(grown, f.buf)
		f.buf = grown
	}
	n, err := f.from.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// shrink gives back the memory of a large frame.
func (f *frames) shrink() {
	if cap(f.buf) > 1<<20 {
		f.buf = append([]byte(nil), f.buf[f.next:]...)
		f.next = 0
	}
}

// frame puts the length before content.
func frame(content []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(content)), uint32(len(content))), content...)
}
