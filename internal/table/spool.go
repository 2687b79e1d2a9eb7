package table

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool copies an input that can be read only once, such as standard input, to
// a temporary file in dir ("" is the system's), positioned at its start. close
// closes and removes it.
func Spool(r io.Reader, dir string) (f *os.File, close func() error, err error) {
	f, err = os.CreateTemp(dir, "table-*")
	if err != nil {
		return nil, nil, fmt.Errorf("spool table: %w", err)
	}
	close = func() error { return errors.Join(f.Close(), os.Remove(f.Name())) }
	_, err = io.Copy(f, r)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("spool table: %w", err), close())
	}
	return f, close, nil
}
