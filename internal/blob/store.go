package blob

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrNotFound says that there is no content under a key.
var ErrNotFound = errors.New("blob: no such content")

// Store keeps contents by key. An implementation is safe for concurrent use, and
// takes valid keys only.
type Store interface {
	// Put reads a content to its end and stores it, whole or not at all: not when
	// r fails. It gives the size.
	Put(ctx context.Context, key string, r io.Reader) (int64, error)
	// Open opens a content; it fails with ErrNotFound.
	Open(ctx context.Context, key string) (*Content, error)
	// Size is the size of a content; it fails with ErrNotFound.
	Size(ctx context.Context, key string) (int64, error)
	// Delete removes a content, if it is there.
	Delete(ctx context.Context, key string) error
	// Walk calls each for all contents of a company, those of one folder together.
	Walk(ctx context.Context, company int64, each func(Object) error) error
	// Sweep removes what puts that broke off long ago have left.
	Sweep(ctx context.Context, now time.Time) error
}

// Content is an open content.
type Content struct {
	io.ReadSeekCloser
	Size     int64
	Modified time.Time
}

// Object is a content in a list.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}
