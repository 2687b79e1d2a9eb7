package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxMessages is the largest page of a chat.
const maxMessages = 1000

// ChatOf names the record that a chat is of.
type ChatOf struct {
	Catalog string // public id
	Record  query.Key
}

// MessagesPage is messages with all that is needed to show them.
type MessagesPage struct {
	Structure *Structure
	Messages  []*Message         // the oldest first
	Quoted    map[int64]*Message // that they reply to
	Titles    Titles             // of authors and of whom they mention
}

// Messages lists messages of a record's chat, deleted ones too: limit of them,
// from the newest but offset. Nothing counts as read by that. It fails with
// NotFound, Forbidden, InvalidParameter and LimitTooLarge.
func (s *Service) Messages(ctx context.Context, a Actor, of ChatOf, limit, offset int) (*MessagesPage, error) {
	var page *MessagesPage
	err := s.view(ctx, func(st *Structure, r Reader) error {
		d, c, n, err := s.openChat(ctx, st, r, a, of)
		if err != nil {
			return err
		}
		switch {
		case limit < 0:
			return fault.New(fault.InvalidParameter, "limit is negative")
		case offset < 0:
			return fault.New(fault.InvalidParameter, "offset is negative")
		case limit > maxMessages:
			return fault.New(fault.LimitTooLarge, "limit is greater than %d", maxMessages)
		}
		page, err = d.messages(ctx, c, n, limit, offset)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// openChat finds a record whose chat the actor may read.
func (s *Service) openChat(ctx context.Context, st *Structure, r Reader, a Actor, of ChatOf) (*reading, *Catalog, query.Record, error) {
	scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(of.Catalog))
	if err != nil {
		return nil, nil, 0, err
	}
	d, c, err := s.open(ctx, st, r, a, scope.Catalog.Num)
	if err != nil {
		return nil, nil, 0, err
	}
	n, on, err := recordOf(ctx, r, d.access, c, of.Record)
	if err == nil {
		err = need(on, ViewPrivilege)
	}
	return d, c, n, err
}

func (d *reading) messages(ctx context.Context, c *Catalog, n query.Record, limit, offset int) (*MessagesPage, error) {
	page := &MessagesPage{Structure: d.st, Quoted: map[int64]*Message{}}
	if !c.Chat || limit == 0 {
		return page, nil
	}
	var err error
	if page.Messages, err = d.r.Messages(ctx, c.Num, n, limit, offset); err != nil {
		return nil, err
	}
	slices.Reverse(page.Messages)
	var quoted []int64
	for _, m := range page.Messages {
		if m.Reply != 0 {
			quoted = append(quoted, m.Reply)
		}
	}
	replies, err := d.r.MessagesByID(ctx, quoted)
	if err != nil {
		return nil, err
	}
	var refs []query.Ref
	for _, m := range slices.Concat(page.Messages, replies) {
		for _, employee := range append(m.Mentioned(), m.Author) {
			if employee != 0 {
				refs = append(refs, query.MakeRef(Employees, employee))
			}
		}
	}
	for _, m := range replies {
		page.Quoted[m.ID] = m
	}
	slices.Sort(refs)
	if page.Titles, err = d.readTitles(ctx, slices.Compact(refs)); err != nil {
		return nil, fmt.Errorf("read the names of authors: %w", err)
	}
	return page, nil
}

// Subscribed tells whether the actor is subscribed to a record's chat. It fails
// with NotFound and Forbidden.
func (s *Service) Subscribed(ctx context.Context, a Actor, of ChatOf) (on bool, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		_, c, n, err := s.openChat(ctx, st, r, a, of)
		if err != nil {
			return err
		}
		if !c.Chat {
			on = false
			return nil
		}
		chats, err := r.Chats(ctx, c.Num, a.Employee, []query.Record{n})
		on = chats[n].Subscribed
		return err
	})
	return on, err
}

// reads tells whether chats of a catalog's records are read: nothing is where
// there are none.
func (d *reading) reads(c *Catalog) bool { return d.chatty && c.Chat }

// readChats reads what the chats of rows are to the actor.
func (d *reading) readChats(ctx context.Context, rows *Rows) (err error) {
	if d.reads(rows.Catalog) {
		rows.Chats, err = d.r.Chats(ctx, rows.Catalog.Num, d.access.actor.Employee, recordsOn(rows.Page))
	}
	return err
}

// MayEditMessage tells whether the actor may change a message. It fails with
// NotFound and Forbidden.
func (s *Service) MayEditMessage(ctx context.Context, a Actor, of ChatOf, id int64) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		w, err := s.chatting(ctx, st, r, a, of)
		if err != nil {
			return err
		}
		_, err = w.own(ctx, id)
		return err
	})
}

// CountChats notes in each scope how many records that the actor may view have
// messages that are new to him.
func (s *Service) CountChats(ctx context.Context, a Actor, scopes ...*Scope) error {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(sc *Scope) bool { return !sc.Catalog.Chat })
	if len(scopes) == 0 || a.Employee == 0 || !a.Scope.Allows(account.Reads) {
		return nil
	}
	return s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		unread, err := r.UnreadIn(ctx, a.Employee)
		if err != nil {
			return err
		}
		for _, sc := range scopes {
			c := st.Catalog(sc.Catalog.Num)
			if c == nil || !slices.Contains(unread, c.Num) {
				continue
			}
			where := and(access.Where(c), query.Unread{Employee: a.Employee})
			if sc.NewChats, err = r.Count(ctx, &Selected{Structure: st, Catalog: c, Where: where}); err != nil {
				return fmt.Errorf("count the new chats of catalog %d: %w", c.Num, err)
			}
		}
		return nil
	})
}
