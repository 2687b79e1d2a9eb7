package script

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// frameMax is the largest frame that a child may send.
const frameMax = 16 << 20

// What is read of a frame takes memory for each value in it, however short it is, and
// whoever reads on has a greatest depth, too. An honest child's are less deep.
const (
	valuesMax = 1 << 20
	depthMax  = 500
)

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

// fits tells what is wrong with the JSON of a child before memory is had for it. Whether
// it is JSON is not seen here.
func fits(content []byte) error {
	if !utf8.Valid(content) {
		return errors.New("is not UTF-8 text")
	}
	values, depth := 1, 0
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '"':
			for i++; i < len(content) && content[i] != '"'; i++ {
				if content[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			values++
			depth++
		case ']', '}':
			depth--
		case ',':
			values++
		}
		if values > valuesMax || depth > depthMax {
			return fmt.Errorf("has more than %d values or is deeper than %d", valuesMax, depthMax)
		}
	}
	return nil
}
