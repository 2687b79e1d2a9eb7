package catalog

import (
	"context"
	"fmt"
	"strconv"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Attachments are files as those of a field's value are. Their place is the
// record, without a field, so that whoever may view the record may read them.

// attachments stands for the field that they are not in.
var attachments = &Field{Key: "attachments", Name: "Attachments", Type: fileType{}, Config: Config{Multi: true}}

// uploads are the files that the input names.
func (in MessageInput) uploads() []int64 {
	if in.Attachments == nil {
		return nil
	}
	return in.Attachments.numbers()
}

// files puts stored files in place of what the caller named.
func (c *chatting) files(ctx context.Context, old, named Files) (Files, *fault.Detail, error) {
	if len(named) > maxAttachments {
		return nil, failed(attachments, fault.TooMany, "%s: at most %d entries", attachments.Name, maxAttachments), nil
	}
	p := c.planner()
	p.noteFiles(named)
	if err := p.readFiles(ctx); err != nil {
		return nil, nil, err
	}
	c.plan = p
	resolved, detail := p.resolveFiles(attachments, old, named)
	if detail != nil {
		return nil, detail, nil
	}
	v, detail := attachments.Type.Accept(attachments, resolved)
	files, _ := v.(Files)
	return files, detail, nil
}

// planner is one that knows about files.
func (c *chatting) planner() *planner {
	a := c.access.actor
	return &planner{s: c.service, actor: a, st: c.st, access: c.access, r: c.r, moment: Moment{Now: c.now, Employee: a.Employee}}
}

// attach numbers new attachments, and makes the files of a message those that it
// has now.
func (c *chatting) attach(ctx context.Context, old, now Files) error {
	p := c.plan
	if p == nil {
		p = c.planner() // no file was named
	}
	for i := range now {
		if now[i].ID != 0 {
			continue
		}
		n, err := c.w.Next(ctx, FileCounter)
		if err != nil {
			return fmt.Errorf("number a file: %w", err)
		}
		now[i].ID = n
	}
	list := p.appendFileWrites(nil, FilePlace{Catalog: c.catalog.Num, Record: c.record}, old, now)
	if len(list) == 0 {
		return nil
	}
	return c.w.WriteFiles(ctx, list)
}

// messagesMirror shows messages that are not deleted, without what they say: titles
// of linked records are for everybody.
const messagesMirror query.Catalog = 13

// The fields of the mirror of messages, beside nameKey.
const (
	messageCatalogKey = "$catalog"
	messageRecordKey  = "$record"
	messageAuthorKey  = "$author"
)

// mirror shows a new message. What is shown of one never changes.
func (c *chatting) mirror(ctx context.Context, m *Message) error {
	mirror := c.st.Catalog(messagesMirror)
	if mirror == nil {
		return nil // a test's database without system catalogs
	}
	o := mirrored{record: query.Record(m.ID), values: map[string]Value{
		nameKey:           Text("Message " + strconv.FormatInt(m.ID, 10)),
		messageCatalogKey: linkTargets(query.MakeRef(catalogsMirror, query.Record(m.Catalog))),
		messageRecordKey:  Text(strconv.FormatInt(int64(m.Record), 10)),
	}}
	if m.Author != 0 {
		o.values[messageAuthorKey] = linkTargets(query.MakeRef(Employees, m.Author))
	}
	w := o.mutation(newMirrorRows(mirror, &Page{}), -1)
	w.At = c.now
	if err := c.w.Write(ctx, []Mutation{*w}); err != nil {
		return fmt.Errorf("show message %d: %w", m.ID, err)
	}
	return nil
}

// unmirror takes messages out of their mirror.
func (s *Service) unmirror(ctx context.Context, w Writer, st *Structure, ids []int64) error {
	mirror := st.Catalog(messagesMirror)
	if mirror == nil {
		return nil
	}
	records := make([]query.Record, len(ids))
	for i, id := range ids {
		records[i] = query.Record(id)
	}
	page, err := w.Rows(ctx, mirror, mirror.Fields, records)
	if err != nil {
		return fmt.Errorf("read the mirror of messages: %w", err)
	}
	list := newMirrorRows(mirror, page).rest()
	for i := range list {
		list[i].At = s.options.Now().UnixMilli()
	}
	if err := w.Write(ctx, list); err != nil {
		return fmt.Errorf("hide messages: %w", err)
	}
	return nil
}

// unmirrorMost is how many messages leave their mirror at once.
const unmirrorMost = 1_000

// unmirrorAll takes the messages of a catalog out of their mirror.
func (s *Service) unmirrorAll(ctx context.Context, w Writer, st *Structure, c query.Catalog) error {
	for last := int64(0); ; {
		ids, err := w.LiveMessages(ctx, c, last, unmirrorMost)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.unmirror(ctx, w, st, ids); err != nil {
			return err
		}
		last = ids[len(ids)-1]
	}
}
