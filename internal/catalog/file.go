package catalog

import (
	"time"

	"kartoteka/internal/blob"
	"kartoteka/internal/query"
)

// Where the content of a file is.
const (
	InStore   = "s3"  // under a key of the company's contents, whichever store they are in
	Elsewhere = "url" // at an address that nobody here asks for
)

// StoredFile is what a company knows of a file.
type StoredFile struct {
	File
	Uploader  query.Record // 0 for automation
	Confirmed bool         // its content is there, and it may be attached
	Place     FilePlace
	Made      int64 // Unix ms
	// Loose is since when the file is not attached, in Unix ms; Made if it never
	// was, 0 while it is.
	Loose int64
}

// FilePlace is what a file is attached to: a field of a record, or without a
// field a message of its chat; zero for nothing.
type FilePlace struct {
	Catalog query.Catalog
	Field   query.Field
	Record  query.Record
}

// detached tells whether the file was attached and is no more.
func (f *StoredFile) detached() bool { return f.Loose != 0 && f.Loose != f.Made }

// ofMessage tells whether the file is attached to a message.
func (f *StoredFile) ofMessage() bool { return f.Loose == 0 && f.Place.Field == 0 }

// FileWriteKind is what a FileWrite does.
type FileWriteKind int

// The kinds.
const (
	AddFile    FileWriteKind = iota // a new file at its place
	AttachFile                      // a loose file gets its place and title
	RenameFile
	DetachFile
)

// FileWrite is what a write of a record does to a file.
type FileWrite struct {
	Kind FileWriteKind
	File StoredFile
}

// FileAges are times (Unix ms) before which files that nobody needs are dropped:
// registered ones, confirmed ones that never were attached, detached ones.
type FileAges struct{ Registered, Unattached, Detached int64 }

// FileOptions are what files need. Without Contents there are links to elsewhere
// only.
type FileOptions struct {
	Contents blob.Store
	Signer   *blob.Signer
	Company  int64         // that keys begin with
	Max      int64         // bytes of a file
	Upload   time.Duration // how long a policy is valid
	Link     time.Duration // how long a link is valid
}
