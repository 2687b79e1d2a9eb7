package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// Errors of the store that the service acts on.
var (
	// ErrStale: the structure is not the version the transaction was planned with.
	ErrStale = errors.New("structure changed")
	// ErrMoved: a record's version is not the expected one, or it is gone.
	ErrMoved = errors.New("record changed")
	// ErrCodeTaken: another object of the same kind has that custom id.
	ErrCodeTaken = errors.New("id is taken")
	// ErrBusy: somebody else makes or drops indexes.
	ErrBusy = errors.New("indexes are being made")
	// ErrImportMoved: an import is not where it was left, or not noted at all.
	ErrImportMoved = errors.New("import moved")
)

// Class says what a transaction is for; it decides its turn.
type Class int

const (
	// Interactive: somebody waits. Goes first, may share a commit with others.
	Interactive Class = iota
	// Job: import, purge and the like. Goes after interactive ones.
	Job
	// Reshape changes the structure; it excludes writes to the named catalogs.
	Reshape
)

// Version says which structure and which rights a company has. A node prepares
// its work for a version; a transaction that finds another one fails with
// ErrStale, and the work is begun again. Equal versions mean equal structures.
type Version struct{ Structure, Rights int64 }

// Plan says what a writing transaction was prepared with.
type Plan struct {
	Version  Version
	Class    Class
	Catalogs []query.Catalog // whose records or structure it writes
	Volatile bool            // it need not be durable before the next that is
}

// Store keeps one company's data. It holds no rules: what it is told is already
// allowed, checked and complete. Functions it is given may run twice and touch
// nothing but their argument. An implementation is safe for concurrent use.
type Store interface {
	// Structure reads everything that defines the data, removed parts included.
	Structure(ctx context.Context) (*Definition, error)
	// Version is the version now, whichever node made it.
	Version(ctx context.Context) (Version, error)
	// View runs fn on one snapshot. It fails with ErrStale when the company is
	// not of that version; fn's calls, if it was called at all, then failed.
	View(ctx context.Context, version Version, fn func(Reader) error) error
	// Update runs fn in one transaction, durable unless p says other; an error of
	// fn undoes it. It fails with ErrStale as View does.
	Update(ctx context.Context, p Plan, fn func(Writer) error) error
	// Reserve takes n record numbers, the first of which it returns. Numbers
	// not used stay unused.
	Reserve(ctx context.Context, c query.Catalog, n int) (query.Record, error)
	// Sequence gives all changes that are committed now their numbers.
	Sequence(ctx context.Context) error
	// PurgeChanges drops some of the first changes: those made before (Unix ms) that
	// no consumer with a cursor, nor a job, needs any more. It gives how many.
	PurgeChanges(ctx context.Context, before int64, limit int) (int64, error)
	// Schedules lists those of a target; of all targets for queue "".
	Schedules(ctx context.Context, q job.Queue, target int64) ([]job.Schedule, error)
	// KeepIndexes runs fn while no other node and no other call makes or drops
	// indexes of the company. If one does, it waits for its end, or fails with
	// ErrBusy if it is not to wait. What fn has done stays when it fails.
	KeepIndexes(ctx context.Context, wait bool, fn func(IndexKeeper) error) error
}

// IndexKeeper makes and drops indexes, outside of transactions.
type IndexKeeper interface {
	Indexes(ctx context.Context) ([]Index, error)
	// Build makes an index of a catalog of that structure while the company is
	// read and, but for a moment, written. One with the same fields that exists
	// stays; it becomes an operator's if i is. It fails with ErrStale when the
	// structure has changed meanwhile.
	Build(ctx context.Context, st *Structure, i Index) error
	// Drop drops an index, by its name.
	Drop(ctx context.Context, i Index) error
	// Sweep drops what builds that did not end have left behind.
	Sweep(ctx context.Context) error
}

// Definition is the structure as stored: flat, removed parts included.
type Definition struct {
	Version  Version
	Sections []*Section
	Catalogs []*Catalog // Fields unset
	Fields   []*Field   // in card order within a catalog
	Views    []*View    // legal ones
	Boards   []*Board   // of catalogs and of legal views, by number
	Rules    []*Rule
}

// Reader reads one snapshot.
type Reader interface {
	ChatReader
	// Last tells that the next call is the last one, so that the store may end
	// the snapshot with it. Titles that RowWithTitles does not give may follow.
	Last()
	// Select reads a page. A page has at most PageBytes, else the store fails
	// with fault.LimitTooLarge.
	Select(ctx context.Context, s *Selected) (*Page, error)
	// Count counts the records that match, ignoring limit and offset.
	Count(ctx context.Context, s *Selected) (int64, error)
	// Aggregate groups records and calls each for every group of both dimensions,
	// with one of the different values if each is asked for. Of times it gives the
	// number of the hour or day since 1970 (RawStep), local by the shift. The group
	// is each's to change. It fails with fault.InvalidParameter for sums that no
	// number can hold.
	Aggregate(ctx context.Context, a *Aggregated, each func(g *Group, value GroupKey) error) error
	// Changes reads the log after a number, in order, and then the changes that have
	// none yet: at most limit of each. See LoggedChange; Updated only of those
	// catalogs.
	Changes(ctx context.Context, after int64, limit int, of []query.Catalog, each func(LoggedChange) error) error
	// Told is Changes with what they are; Values only of those catalogs. The change is
	// each's until it returns.
	Told(ctx context.Context, after int64, limit int, of []query.Catalog, each func(*ToldChange) error) error
	// LastChange is the greatest number of a change, 0 if there is none.
	LastChange(ctx context.Context) (int64, error)
	// Fired reads the changes from one number to another that set something off.
	Fired(ctx context.Context, from, to int64, limit int) ([]FiredChange, error)
	// Scan reads the records that follow one by number.
	Scan(ctx context.Context, c *Catalog, columns []*Field, after query.Record, limit int) (*Page, error)
	// Matching calls each for every record that matches, in no promised order.
	Matching(ctx context.Context, s *Selected, each func(query.Record)) error
	// Rows reads records by number, in no promised order; missing ones are left out.
	Rows(ctx context.Context, c *Catalog, columns []*Field, records []query.Record) (*Page, error)
	// RowWithTitles reads one record, together with the titles of all that it
	// links through the fields if that saves a call of Titles; else these are nil.
	RowWithTitles(ctx context.Context, c *Catalog, columns []*Field, n query.Record, links []*Field) (*Page, Titles, error)
	// Find gives the number of the live record with that custom id, 0 if none.
	Find(ctx context.Context, c *Catalog, code string) (query.Record, error)
	// FindRemoved gives the number of the last removed record that had that
	// custom id, 0 if none.
	FindRemoved(ctx context.Context, c *Catalog, code string) (query.Record, error)
	// Removed reads what the trash has of a catalog, with values if they are asked for.
	Removed(ctx context.Context, c *Catalog, ask RemovedAsk, values bool) ([]RemovedRow, error)
	// Titles reads the titles of records, removed ones included. Unknown refs
	// are left out.
	Titles(ctx context.Context, refs []query.Ref) (Titles, error)
	// Members tells which of the records satisfy which of the conditions: for
	// each record that is there a bit per condition, in their order. There are at
	// most MaxMembers conditions, each within the bounds of a Probe.
	Members(ctx context.Context, st *Structure, c *Catalog, records []query.Record, conditions []query.Node) (map[query.Record]Bits, error)
	// PersonalViews lists the personal views of a catalog that somebody made, by
	// number, or of all catalogs when c is 0.
	PersonalViews(ctx context.Context, c query.Catalog, owner query.Record) ([]*View, error)
	// ViewByKey finds a view of a catalog by public id, personal ones of
	// everybody included; nil if there is none.
	ViewByKey(ctx context.Context, c query.Catalog, key string) (*View, error)
	// PersonalBoards lists the boards of the personal views that somebody made, by
	// number.
	PersonalBoards(ctx context.Context, owner query.Record) ([]*Board, error)
	// History reads history entries.
	History(ctx context.Context, q *HistoryQuery) ([]HistoryEntry, error)
	// Files reads files by number, in no promised order; missing ones are left
	// out. FilesIn reads those whose content is in one of the folders.
	Files(ctx context.Context, ids []int64) ([]StoredFile, error)
	FilesIn(ctx context.Context, folders []string) ([]StoredFile, error)
	// FilesAfter reads some confirmed files in the store, by number from that after
	// one on.
	FilesAfter(ctx context.Context, id int64, limit int) ([]StoredFile, error)
	// Purgeable lists removed fields and records whose time is over (Unix ms).
	Purgeable(ctx context.Context, before int64) ([]*Field, error)
	// Indexes lists the indexes over fields; their Size is unset.
	Indexes(ctx context.Context) ([]Index, error)
	// IndexSize is the size of an index in bytes.
	IndexSize(ctx context.Context, name string) (int64, error)
	// Import is how far the import into a catalog came, nil if there was none.
	Import(ctx context.Context, c query.Catalog) (*Import, error)
	// MultiValued counts the records with more than one entry in a refs field.
	MultiValued(ctx context.Context, c *Catalog, f *Field) (int64, error)
}

// MaxMembers bounds the conditions of one call of Members.
const MaxMembers = 1_000

// Bounds of a Probe, a condition that records found otherwise are looked up by:
// those of Members and of Selected.Visible. One beyond them fails with
// fault.InvalidFilter. A condition within is deep by one for each And, Or, Not
// and Cond around the innermost, whether of the record or of a linked one.
const (
	MaxProbeDepth = 28
	MaxProbeLinks = 4 // levels of linked records
	MaxProbeNodes = 1_000
)

// Bits are booleans by index.
type Bits []bool

// PageBytes bounds the bytes of one Page.
const PageBytes = 256 << 20

// Selected is a query ready for the store: rights are in Where already.
type Selected struct {
	Structure *Structure
	Catalog   *Catalog
	Columns   []*Field
	Where     query.Node
	// Search with what it may look at: fields with search rows, link fields
	// (by their targets' titles), and the record's own title.
	Search       query.Search
	SearchFields []*Field
	SearchLinks  []*Field
	SearchTitle  bool
	// Visible is where fields that are hidden on some records are not; others are
	// not in it. Searches look at such a field, and sorts know its value, only
	// where it holds. Where has it already. Titles follow their field. Each is
	// within the bounds of a Probe.
	Visible map[query.Field]query.Node
	Sort    query.Sort
	Then    []query.Sort
	Limit   int
	Offset  int
}

// Title is how a record is called.
type Title struct {
	Text    string // "#" + id when the record has no title
	Code    string // custom id, "" for none
	Removed bool
}

// Titles are the titles of records by ref.
type Titles map[query.Ref]Title

// Writer writes within one transaction and reads what it has written.
type Writer interface {
	Reader
	ChatWriter
	job.Writer
	job.ScheduleWriter
	// Write applies the mutations in order. It fails with ErrMoved or
	// ErrCodeTaken, and then the transaction must be given up. After Last it may
	// commit them as well.
	Write(ctx context.Context, m []Mutation) error
	// Definition reads the structure as the transaction leaves it.
	Definition(ctx context.Context) (*Definition, error)
	// AddHistory adds an entry that no mutation carries (a comment) and gives its number.
	AddHistory(ctx context.Context, e *HistoryRow) (int64, error)

	// Next raises a counter of the company and gives its new value, from 1.
	Next(ctx context.Context, c Counter) (int64, error)
	SaveSection(ctx context.Context, s *Section) error // insert or update by Num
	SaveCatalog(ctx context.Context, c *Catalog) error // insert (with its tables) or update by Num; not its fields
	// SaveFields inserts or updates fields by Num with their position in the
	// card; new ones get their columns.
	SaveFields(ctx context.Context, c *Catalog, fields []*Field) error
	// Reshape moves a field's values from its storage under old to that of f.
	// The caller has made sure that nothing is lost.
	Reshape(ctx context.Context, c *Catalog, old, f *Field) error
	// DropItems takes options out of the stored values of a field.
	DropItems(ctx context.Context, c *Catalog, f *Field, items []query.Item) error
	// Retitle sets the titles of all records of a catalog from title's values,
	// "#" + id for those without or when title is nil.
	Retitle(ctx context.Context, c *Catalog, title *Field) error
	// Clear removes all records of a catalog with links, histories and chats and
	// gives their number. An import that was interrupted is forgotten. The log gets
	// one change, of record 0.
	Clear(ctx context.Context, c *Catalog, at int64, by ChangeRow) (int64, error)
	// Purge drops what a removed field left behind.
	Purge(ctx context.Context, c *Catalog, f *Field) error
	// BeginImport notes an import; MoveImport moves it on, and fails with
	// ErrImportMoved when it is not at from rows.
	BeginImport(ctx context.Context, i Import) error
	MoveImport(ctx context.Context, i Import, from int64) error
	// SaveFile inserts or updates a file by ID, its place excepted.
	SaveFile(ctx context.Context, f *StoredFile) error
	// WriteFiles fails with ErrMoved when a file that it is to attach is no longer
	// loose.
	WriteFiles(ctx context.Context, list []FileWrite) error
	// LooseFiles detaches all files of a field, or of a catalog for field 0.
	LooseFiles(ctx context.Context, c query.Catalog, f query.Field, at int64) error
	// DropFiles drops some of the files that nobody needs, and gives the keys that
	// no file has any more and how many it dropped.
	DropFiles(ctx context.Context, ages FileAges, limit int) (keys []string, dropped int, err error)
	// UseIndexes adds uses to those that were counted before.
	UseIndexes(ctx context.Context, list []IndexUse) error
	// BumpStructure makes this transaction a structure change: the version
	// becomes the returned one for everybody after the commit.
	BumpStructure(ctx context.Context) (int64, error)
	// BumpRights makes this transaction a change of rights, like BumpStructure:
	// rules, legal views, or who is in which role group have changed.
	BumpRights(ctx context.Context) error
	// SaveRules replaces the rules of an object. New ones have ID 0 and get one;
	// it is set in the rule. The transaction calls BumpRights as well, and is a
	// Reshape, so that no other one changes rules meanwhile: on several nodes two
	// would mix theirs. Only while the company is being made may it be another.
	SaveRules(ctx context.Context, o Object, rules []*Rule) error
	// SaveView inserts or updates a view by Num, with numbers for its new
	// filters (ID 0), which it sets. It fails with ErrCodeTaken when another view
	// of the catalog has the public id.
	SaveView(ctx context.Context, v *View) error
	// DeleteView drops a view with its rules and boards.
	DeleteView(ctx context.Context, n query.View) error
	// SaveBoard inserts or updates a board by Num; not its widgets. One that is not
	// of a personal view is part of the structure, as its widgets are: the
	// transaction calls BumpStructure as well.
	SaveBoard(ctx context.Context, b *Board) error
	// DeleteBoard drops a board and its widgets.
	DeleteBoard(ctx context.Context, n query.Board) error
	// SaveWidget inserts or updates a widget by Num.
	SaveWidget(ctx context.Context, w *Widget) error
	DeleteWidget(ctx context.Context, n query.Widget) error
	// Enqueue puts a message for the control database or the mail server into the
	// outbox.
	Enqueue(ctx context.Context, kind string, payload json.RawMessage) error
	// Outbox lists messages of some kinds not yet done, oldest first, from that
	// after one on.
	Outbox(ctx context.Context, kinds []string, after int64, limit int) ([]OutboxRow, error)
	// Replace gives a message another payload if it still is as it was read, and
	// tells whether: of several who try one succeeds.
	Replace(ctx context.Context, m OutboxRow, payload json.RawMessage) (bool, error)
	// Done removes a message, and tells whether it was there.
	Done(ctx context.Context, id int64) (bool, error)
}

// Counter names a company's counter.
type Counter string

// The counters. Records have their own (Store.Reserve).
const (
	SectionCounter Counter = "section"
	CatalogCounter Counter = "catalog"
	FieldCounter   Counter = "field"
	FileCounter    Counter = "file"
	ViewCounter    Counter = "view"
	MessageCounter Counter = "message"
	BoardCounter   Counter = "board"
	WidgetCounter  Counter = "widget"
	// RightFieldCounter numbers the rights on fields in their mirror.
	RightFieldCounter Counter = "rightField"
	// TemplatesCounter is above 0 once the templates of letters were made.
	TemplatesCounter Counter = "emailTemplates"
)

// Index is an index over stored fields of a catalog, in order. CreatedTime and
// UpdatedTime may stand for fields.
type Index struct {
	Catalog query.Catalog
	Fields  []query.Field
	Name    string
	// Operator says that somebody asked for it: it is not dropped by itself.
	Operator bool
	Since    int64 // Unix ms
	Slow     int   // slow requests that it was made for
	Uses     int64
	Last     int64 // last use, Unix ms; 0 for none
	Size     int64 // bytes
	// Patience is how long a build waits for a pause between writes.
	Patience time.Duration
}

// IndexUse is how often an index was used, and when last (Unix ms).
type IndexUse struct {
	Name string
	Uses int64
	Last int64
}

// OutboxRow is one message of the outbox.
type OutboxRow struct {
	ID      int64
	Kind    string
	Payload json.RawMessage
}

// MutationKind is what a Mutation does.
type MutationKind int

// The kinds.
const (
	InsertRecord MutationKind = iota
	UpdateRecord
	RemoveRecord
	// RestoreRecord inserts under a number that a removed record may have had.
	RestoreRecord
)

// Mutation is one record's write, worked out beforehand.
type Mutation struct {
	Kind    MutationKind
	Catalog *Catalog
	Record  query.Record
	// Version the record must have now (update, remove); it becomes Version+1.
	Version int64
	At      int64 // UTC milliseconds: created and updated, or updated
	// Code sets the custom id if not nil ("" clears it). It is unique in the
	// catalog among live records.
	Code *string
	// Cells are the values to set: all non-empty ones of a new record, the
	// changed ones of an update, none of a removal.
	Cells []StoredValue
	// Title is the new title; nil leaves it.
	Title *TitleRow
	// Times are entries into and exits from options.
	Times []ItemTime
	// Change goes to the change log; History to the history, nil for none.
	Change  ChangeRow
	History *HistoryRow
	// Trash keeps a removed record's values (JSON by field number).
	Trash json.RawMessage
}

// StoredValue is a value with what the store keeps beside it.
type StoredValue struct {
	Field  *Field
	Value  Value // nil empties
	Key    []byte
	Search []SearchRow
}

// TitleRow is a record's title with what it is searched and sorted by.
type TitleRow struct {
	Text string
	Fold string
	Key  []byte
}

// ItemTime is an entry into an option, or an exit from it, at Mutation.At.
type ItemTime struct {
	Field query.Field
	Item  query.Item
	Enter bool
}

// HistoryKind is what a history entry tells of.
type HistoryKind string

// The kinds.
const (
	Created   HistoryKind = "CREATE"
	Updated   HistoryKind = "UPDATE"
	Removed   HistoryKind = "REMOVED"
	Commented HistoryKind = "COMMENT"
)

// HistoryRow is a history entry as stored. Catalog, Record and At are those of
// the mutation that carries it.
type HistoryRow struct {
	Catalog query.Catalog
	Record  query.Record
	At      int64
	Actor   query.Record // employee; 0 for automation
	Kind    HistoryKind
	// Payload has old and new values by field number, {"12":{"o":…,"n":…}}
	// (see AppendHistoryJSON), or {"message":"…"} of a comment.
	Payload json.RawMessage
}

// HistoryEntry is a history entry as read.
type HistoryEntry struct {
	ID int64
	HistoryRow
}

// HistoryQuery selects history entries.
type HistoryQuery struct {
	Structure *Structure
	Catalog   *Catalog
	Record    query.Record // 0: of all records
	// Where, if not nil, keeps the entries of live records that match it; with
	// WithRemoved also the entries of removed records.
	Where       *Selected
	WithRemoved bool
	Actor       query.Record // 0: of everybody
	Kinds       []HistoryKind
	// Fields, if not nil, keeps CREATE and UPDATE entries that touch one of
	// them, and no comments or removals.
	Fields []query.Field
	// Readable, if not nil, leaves out UPDATE entries that touch none of them; a
	// field in Visible counts only in entries of live records where that holds.
	Readable []query.Field
	Visible  map[query.Field]query.Node
	Asc      bool
	Limit    int
	Offset   int
}
