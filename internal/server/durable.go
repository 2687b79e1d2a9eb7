package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// copyChunk is how much is copied between two looks at the context, in bytes.
const copyChunk = 4 << 20

// writeDurably writes a new file that only the owner can read and gives its
// size and sum. It calls progress with each chunk's bytes.
func writeDurably(ctx context.Context, name string, from io.Reader, progress func(n int64)) (size int64, sum string, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, "", err
	}
	size, sum, err = drain(ctx, f, from, progress)
	return size, sum, errors.Join(err, f.Sync(), f.Close())
}

// sumOf reads a file to learn its size and sum.
func sumOf(ctx context.Context, name string, progress func(n int64)) (size int64, sum string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }()
	return drain(ctx, io.Discard, f, progress)
}

// drain copies everything and gives its size and its SHA-256.
func drain(ctx context.Context, to io.Writer, from io.Reader, progress func(n int64)) (size int64, sum string, err error) {
	hash := sha256.New()
	both := io.MultiWriter(to, hash)
	for {
		if err := ctx.Err(); err != nil {
			return size, "", err
		}
		n, err := io.CopyN(both, from, copyChunk)
		size += n
		progress(n)
		if errors.Is(err, io.EOF) {
			return size, hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return size, "", err
		}
	}
}

// syncFolder makes the names in a folder survive a power failure. Windows has
// nothing of the kind.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncTree is syncFolder for a folder, if it is there, and all folders in it.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == dir:
			return nil
		case err != nil:
			return err
		case d.IsDir():
			return syncFolder(name)
		}
		return nil
	})
}

// mustBeEmpty wants a folder to be empty or not to exist, and tells which.
func mustBeEmpty(dir string) (exists bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case len(entries) > 0:
		return true, fmt.Errorf("the folder %s is not empty: it has %s", dir, entries[0].Name())
	}
	return true, nil
}

// inFolder is the place of a file of a manifest.
func inFolder(dir, path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
