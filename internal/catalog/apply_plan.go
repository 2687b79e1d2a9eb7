package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// planner works out from one snapshot what operations write. The steps of its
// work:
//
//	expand  operations and those on linked records become steps, in order
//	read    the rows and titles that the steps need, a call each per catalog
//	check   each step against its record as the earlier steps leave it
//	number  new records and files get their numbers (after the snapshot)
//	build   mutations and outcomes
type planner struct {
	s      *Service
	actor  Actor
	st     *Structure
	access *Access
	r      Reader
	moment Moment

	steps    []*step
	subjects map[query.Ref]*subject
	fresh    []*subject // records to be made, in order
	needs    []*demand
	titles   Titles
	hidden   map[query.Ref]bool          // titles that the actor may not see
	codes    map[query.Link]query.Record // numbers of linked records by custom id
	rights   map[*Catalog]*recordRights  // on the records that the steps write
	comments bool
	viewed   bool     // checks read more: a link is to a record of a view, or a scenario is started
	looks    bool     // nothing is to be written
	op       int      // index of the operation being planned
	through  []*Field // the link fields that lead from it to the linked record being planned
	filling  *filling // what subscriptions want in it; nil for nothing
	system   *Access  // by whose rights that is
	details  []fault.Detail
	json     []byte // arena of the JSON of all steps

	fileIDs     []int64  // files that values name
	fileFolders []string // and folders of contents that they lead to
	files       map[int64]*knownFile
}

type stepKind int

const (
	createStep stepKind = iota
	updateStep
	deleteStep
	commentStep
)

// step is one write of one record: an operation, or what an operation asks of
// a linked record.
type step struct {
	kind    stepKind
	op      int
	through []*Field // the link fields that asked for it, from the operation's record on
	subject *subject
	given   []FieldValue
	code    *string   // the new custom id, nil to leave it
	text    string    // of a comment
	want    Privilege // that the actor needs on the record
	filled  []query.Field
	whole   bool // all values are needed, also those that do not change

	// Set by check:
	changes  []change
	retitle  bool
	password string
	had      []change // old values of all fields, if whole
	// schedule is that of the record from now on, without a Next for none; nil when it
	// stays as it is.
	schedule *job.Schedule
}

// change is one field's change. For a created record also the fields that were
// named and stay empty, because the answer lists them.
type change struct {
	field    *Field
	old, new Value
	// Where the two are in planner.json.
	oldJSON, newJSON span
}

// subject is a record as it is at the current step.
type subject struct {
	catalog *Catalog
	// record is a placeholder from the top of the range until number.
	record   query.Record
	fresh    bool
	reserved bool
	found    bool
	removed  bool
	code     string
	page     *Page
	row      int
	version  int64
	created  int64
	updated  int64
	changed  []FieldValue // what earlier steps changed, newest last
	title    string
}

// demand is what has to be read of one catalog.
type demand struct {
	catalog *Catalog
	columns []*Field
	records []query.Record
}

func (p *planner) plan(ctx context.Context, st *Structure, r Reader, ops []Op) error {
	if err := p.begin(ctx, st, r, len(ops)); err != nil {
		return err
	}
	for i, op := range ops {
		p.op = i
		if err := p.expand(ctx, op); err != nil {
			return p.at(err, len(ops))
		}
	}
	if err := p.fill(ctx); err != nil {
		return err
	}
	if err := p.read(ctx); err != nil {
		return err
	}
	if err := p.unmoved(); err != nil {
		return err
	}
	for _, s := range p.steps {
		p.op = s.op
		if err := p.check(ctx, s); err != nil {
			return p.at(err, len(ops))
		}
	}
	return nil
}

// begin makes the planner ready to plan operations on one snapshot.
func (p *planner) begin(ctx context.Context, st *Structure, r Reader, ops int) error {
	access, err := p.s.access(ctx, st, r, p.actor)
	if err != nil {
		return err
	}
	now := p.s.options.Now().UnixMilli()
	*p = planner{
		s: p.s, actor: p.actor, st: st, access: access, r: r, looks: p.looks, filling: p.filling,
		moment:   Moment{Now: now, Offset: p.actor.Offset, Employee: p.actor.Employee},
		steps:    make([]*step, 0, ops),
		subjects: make(map[query.Ref]*subject, ops), rights: map[*Catalog]*recordRights{},
	}
	return nil
}

// at notes in a fault of one among many operations which one it is.
func (p *planner) at(err error, ops int) error {
	if f, ok := err.(*fault.Error); ok && ops > 1 && f.Data == nil {
		f.Data = map[string]any{"operation": p.op}
	}
	return err
}

// expand adds the steps of an operation. Those of linked records come first.
func (p *planner) expand(ctx context.Context, op Op) error {
	switch op := op.(type) {
	case Create:
		_, err := p.addCreate(ctx, op)
		return err
	case Update:
		return p.addUpdate(ctx, op)
	case Delete:
		sub, err := p.target(ctx, op.Catalog, op.Record, account.Deletes, true)
		if err != nil {
			return err
		}
		if err := p.s.notRemoved(sub); err != nil {
			return err
		}
		p.steps = append(p.steps, &step{kind: deleteStep, op: p.op, subject: sub, want: DeletePrivilege})
		p.needed(sub.catalog).wantAll()
		return nil
	case Comment:
		return p.addComment(ctx, op)
	}
	return fmt.Errorf("unknown operation %T", op)
}

func (p *planner) addComment(ctx context.Context, op Comment) error {
	if blank(op.Text) {
		return fault.New(fault.InvalidParameter, "The comment is empty")
	}
	if strings.IndexByte(op.Text, 0) >= 0 {
		return fault.New(fault.InvalidParameter, "The comment contains a NUL character")
	}
	if text.Len(op.Text) > maxComment {
		return fault.New(fault.InvalidParameter, "The comment is longer than %d characters", maxComment)
	}
	sub, err := p.target(ctx, op.Catalog, op.Record, account.Updates, false)
	if err != nil {
		return err
	}
	p.comments = true
	p.steps = append(p.steps, &step{kind: commentStep, op: p.op, subject: sub, text: op.Text, want: ViewPrivilege})
	return nil
}

func (p *planner) addCreate(ctx context.Context, op Create) (*subject, error) {
	if err := p.s.licensed(op.Catalog); err != nil {
		return nil, err
	}
	c, err := makeIn(p.st, p.access, op.Catalog)
	if err == nil {
		err = p.ownHand(c)
	}
	if err != nil {
		return nil, err
	}
	if err := notMade(c); err != nil {
		return nil, err
	}
	if op.Code != "" && !keyForm.MatchString(op.Code) {
		return nil, badCode(op.Code)
	}
	sub := &subject{catalog: c, record: op.Reserved, fresh: true, found: true, reserved: op.Reserved != 0, code: op.Code}
	if !sub.reserved {
		sub.record = query.MaxRecord - query.Record(len(p.fresh))
	}
	p.fresh = append(p.fresh, sub)
	p.subjects[query.MakeRef(c.Num, sub.record)] = sub
	p.needed(c)
	p.viewed = p.viewed || c.starts()
	st := &step{kind: createStep, op: p.op, through: slices.Clone(p.through), subject: sub}
	if op.Code != "" {
		st.code = &op.Code
	}
	if st.given, err = p.resolve(ctx, c, op.Values); err != nil {
		return nil, err
	}
	p.steps = append(p.steps, st)
	return sub, nil
}

func (p *planner) addUpdate(ctx context.Context, op Update) error {
	sub, err := p.target(ctx, op.Catalog, op.Record, account.Updates, true)
	if err == nil {
		err = p.ownHand(sub.catalog)
	}
	if err != nil {
		return err
	}
	// A rule may let a field be changed of a record that is only viewed.
	st := &step{kind: updateStep, op: p.op, through: slices.Clone(p.through), subject: sub, code: op.Code, want: ViewPrivilege}
	if st.given, err = p.resolve(ctx, sub.catalog, op.Values); err != nil {
		return err
	}
	p.viewed = p.viewed || sub.catalog.starts()
	n := p.needed(sub.catalog)
	if st.whole = p.keepsWhole(sub.catalog); st.whole || sub.catalog.starts() {
		n.wantAll()
	}
	for _, g := range st.given {
		n.want(sub.catalog.Field(g.Field))
	}
	n.wantRequired()
	p.steps = append(p.steps, st)
	return nil
}

// target finds the subject of an operation on an existing record, which is
// read later.
func (p *planner) target(ctx context.Context, n query.Catalog, key query.Key, v account.Verbs, writes bool) (*subject, error) {
	c, err := seenCatalog(p.st, p.access, n, writes)
	if err != nil {
		return nil, err
	}
	if err := p.access.allow(v, c); err != nil {
		return nil, err
	}
	record, err := find(ctx, p.r, c, key)
	if err != nil {
		return nil, err
	}
	if record == 0 {
		return nil, noRecord()
	}
	ref := query.MakeRef(c.Num, record)
	if sub := p.subjects[ref]; sub != nil {
		return sub, nil
	}
	sub := &subject{catalog: c, record: record}
	p.subjects[ref] = sub
	nd := p.needed(c)
	nd.records = append(nd.records, record)
	return sub, nil
}

// seenCatalog is the catalog of that number if the actor sees it and, for those
// who write, it takes writes at all. What may be done with its records is
// another matter.
func seenCatalog(st *Structure, access *Access, n query.Catalog, writes bool) (*Catalog, error) {
	c := st.Catalog(n)
	if c == nil {
		return nil, fault.New(fault.NotFound, "There is no such catalog")
	}
	if err := need(access.Catalog(c), AvailablePrivilege); err != nil {
		return nil, err
	}
	if c.Mirror && writes {
		return nil, fault.New(fault.MethodNotAllowed, "The records of this catalog are made by the system")
	}
	return c, nil
}

// ownHand fails when only the system may make and change the catalog's records,
// which others delete.
func (p *planner) ownHand(c *Catalog) error {
	if c.Num == invitesCatalog && !p.actor.System {
		return fault.New(fault.MethodNotAllowed, "Invitations are made by giving an employee an e-mail address; they can only be deleted")
	}
	return nil
}

// makeIn is the catalog of that number if the actor may make records in it.
func makeIn(st *Structure, access *Access, n query.Catalog) (*Catalog, error) {
	c, err := seenCatalog(st, access, n, true)
	if err == nil && !access.Creates(c) {
		err = forbidden()
	}
	return c, err
}
