package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// Bounds of a message.
const (
	maxMentions    = 100
	maxAttachments = 100
)

// MessageInput is what a caller sets of a message; nil leaves a part as it is.
type MessageInput struct {
	Text *string
	// InText are the employees that Text names; it is set with it.
	InText      []query.Key
	Mentions    *[]query.Key
	Attachments *Files
	Reply       *int64 // 0 for none
}

// errNoChat: the catalog has no chats yet, which begins with a change of the
// structure.
var errNoChat = errors.New("the catalog has no chats")

// chatting is the writing of one chat, for somebody who may view the record.
type chatting struct {
	service *Service
	st      *Structure
	access  *Access
	r       Reader
	w       Writer // nil to look only
	catalog *Catalog
	record  query.Record
	on      Privilege // on the record
	now     int64
	plan    *planner // that knows the files which a caller named
}

// chatting opens a chat to somebody who is going to write. It fails with NotFound
// and Forbidden.
func (s *Service) chatting(ctx context.Context, st *Structure, r Reader, a Actor, of ChatOf) (*chatting, error) {
	scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(of.Catalog))
	if err != nil {
		return nil, err
	}
	c := &chatting{service: s, st: st, access: scope.Access, r: r, catalog: scope.Catalog, now: s.options.Now().UnixMilli()}
	if err := c.access.allow(account.Updates, c.catalog); err != nil {
		return nil, err
	}
	if c.record, c.on, err = recordOf(ctx, r, c.access, c.catalog, of.Record); err != nil {
		return nil, err
	}
	return c, need(c.on, ViewPrivilege)
}

// chat runs fn in a transaction that has the chat for itself. begins says that it
// may be the first to write in the catalog; else nothing is done in one without
// chats. fn may run more than once.
func (s *Service) chat(ctx context.Context, a Actor, of ChatOf, begins bool, fn func(*chatting) error) error {
	for range maxAttempts {
		scope, err := s.Catalog(ctx, a, of.Catalog)
		if err != nil {
			return err
		}
		number := scope.Catalog.Num
		err = s.update(ctx, Interactive, []query.Catalog{number, messagesMirror}, func(st *Structure, w Writer) error {
			c, err := s.chatting(ctx, st, w, a, of)
			switch {
			case err != nil:
				return err
			case c.catalog.Num != number:
				return ErrMoved // its id is another catalog's now
			case !c.catalog.Chat && begins:
				return errNoChat
			case !c.catalog.Chat:
				return nil
			}
			found, err := w.LockRecord(ctx, number, c.record)
			if err == nil && !found {
				err = noRecord()
			}
			if err != nil {
				return err
			}
			c.w = w
			return fn(c)
		})
		switch {
		case errors.Is(err, errNoChat):
			err = s.beginChats(ctx, number)
		case !errors.Is(err, ErrMoved):
			return err
		}
		if err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
	return fault.New(fault.Conflict, "Others keep changing these records; try again")
}

// beginChats notes that a catalog has chats.
func (s *Service) beginChats(ctx context.Context, n query.Catalog) error {
	err := s.reshape(ctx, []query.Catalog{n}, func(st *Structure, w Writer) error {
		c := st.Catalog(n)
		if c == nil {
			return fault.New(fault.NotFound, "There is no such catalog")
		}
		with := *c
		with.Chat = true
		return w.SaveCatalog(ctx, &with)
	})
	if err != nil {
		return fmt.Errorf("begin the chats of catalog %d: %w", n, err)
	}
	return nil
}

// PostMessage adds a message of the actor's to a record's chat, subscribes him to
// it, and gives the message's number. The record does not change. It fails with
// NotFound, Forbidden and ValidationFailed.
func (s *Service) PostMessage(ctx context.Context, a Actor, of ChatOf, in MessageInput) (id int64, err error) {
	if err := s.confirmFiles(ctx, a, in.uploads()); err != nil {
		return 0, err
	}
	err = s.chat(ctx, a, of, true, func(c *chatting) error {
		id, err = c.post(ctx, in)
		return err
	})
	return id, err
}

func (c *chatting) post(ctx context.Context, in MessageInput) (int64, error) {
	author := c.access.actor.Employee
	m := &Message{Catalog: c.catalog.Num, Record: c.record, Author: author, Created: c.now}
	if err := c.apply(ctx, m, in); err != nil {
		return 0, err
	}
	if err := c.attach(ctx, nil, m.Attachments); err != nil {
		return 0, err
	}
	var err error
	if m.ID, err = c.w.Next(ctx, MessageCounter); err != nil {
		return 0, err
	}
	if c.catalog.History {
		m.History, err = c.w.AddHistory(ctx, &HistoryRow{
			Catalog: m.Catalog, Record: m.Record, At: c.now, Actor: author, Kind: Commented, Payload: m.feedJSON(),
		})
		if err != nil {
			return 0, err
		}
	}
	if author != 0 {
		if err := c.w.Subscribe(ctx, []Subscription{{m.Catalog, m.Record, author, true}}); err != nil {
			return 0, err
		}
	}
	if err := c.w.SaveMessage(ctx, m); err != nil {
		return 0, err
	}
	return m.ID, c.mirror(ctx, m)
}

// EditMessage changes a message of the actor's. It fails with NotFound, Forbidden
// and ValidationFailed.
func (s *Service) EditMessage(ctx context.Context, a Actor, of ChatOf, id int64, in MessageInput) error {
	if err := s.confirmFiles(ctx, a, in.uploads()); err != nil {
		return err
	}
	return s.changeMessage(ctx, a, of, func(c *chatting) error {
		before, err := c.own(ctx, id)
		if err != nil {
			return err
		}
		m := *before
		if err := c.apply(ctx, &m, in); err != nil {
			return err
		}
		if m.same(before) {
			return nil
		}
		m.Updated = c.now
		return c.change(ctx, before, &m)
	})
}

// DeleteMessage empties a message of the actor's, or of anybody on a record that
// he manages. It fails with NotFound and Forbidden.
func (s *Service) DeleteMessage(ctx context.Context, a Actor, of ChatOf, id int64) error {
	return s.changeMessage(ctx, a, of, func(c *chatting) error {
		before, err := c.message(ctx, id)
		if err != nil {
			return err
		}
		if c.on < AccessPrivilege && !c.wrote(before) {
			return forbidden()
		}
		m := *before
		m.Text, m.Mentions, m.InText, m.Attachments, m.Deleted = "", nil, nil, nil, c.now
		if err := c.change(ctx, before, &m); err != nil {
			return err
		}
		return c.service.unmirror(ctx, c.w, c.st, []int64{id})
	})
}

// changeMessage is chat for what a message must be there for.
func (s *Service) changeMessage(ctx context.Context, a Actor, of ChatOf, fn func(*chatting) error) error {
	there := false
	err := s.chat(ctx, a, of, false, func(c *chatting) error {
		there = true
		return fn(c)
	})
	if err == nil && !there {
		err = noMessage()
	}
	return err
}

func noMessage() error { return fault.New(fault.NotFound, "There is no such message") }

// message finds a message of the chat that was not deleted.
func (c *chatting) message(ctx context.Context, id int64) (*Message, error) {
	list, err := c.r.MessagesByID(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Catalog != c.catalog.Num || list[0].Record != c.record || list[0].Deleted != 0 {
		return nil, noMessage()
	}
	return list[0], nil
}

// own finds a message of the actor's.
func (c *chatting) own(ctx context.Context, id int64) (*Message, error) {
	m, err := c.message(ctx, id)
	if err == nil && !c.wrote(m) {
		err = forbidden()
	}
	return m, err
}

func (c *chatting) wrote(m *Message) bool { return m.Author == c.access.actor.Employee }

// change writes a message that was there before, with its entry of the feed.
func (c *chatting) change(ctx context.Context, before, m *Message) error {
	if err := c.attach(ctx, before.Attachments, m.Attachments); err != nil {
		return err
	}
	if m.History != 0 {
		if err := c.w.SetHistory(ctx, m.History, m.feedJSON()); err != nil {
			return err
		}
	}
	return c.w.SaveMessage(ctx, m)
}

func (m *Message) same(o *Message) bool {
	return m.Text == o.Text && m.Reply == o.Reply && slices.Equal(m.Mentions, o.Mentions) && slices.Equal(m.InText, o.InText) &&
		(len(m.Attachments)+len(o.Attachments) == 0 || same(m.Attachments, o.Attachments))
}

// apply sets the given parts of a message, and fails with all that is wrong.
func (c *chatting) apply(ctx context.Context, m *Message, in MessageInput) error {
	var details []fault.Detail
	refuse := func(d ...fault.Detail) { details = append(details, d...) }
	known := m.Mentioned()
	if in.Text != nil {
		refuse(checkMessage(*in.Text)...)
		list, wrong, err := c.employees(ctx, in.InText, known, "text")
		if err != nil {
			return err
		}
		refuse(wrong...)
		m.Text, m.InText = *in.Text, list
	}
	if in.Mentions != nil {
		list, wrong, err := c.employees(ctx, *in.Mentions, known, "mentions")
		if err != nil {
			return err
		}
		refuse(wrong...)
		m.Mentions = list
	}
	if in.Reply != nil && *in.Reply != m.Reply {
		quoted, err := c.quotable(ctx, m, *in.Reply)
		switch {
		case err != nil:
			return err
		case !quoted:
			refuse(fault.At("replyMessageId", fault.NotFound, "there is no such message in this chat"))
		}
		m.Reply = *in.Reply
	}
	if in.Attachments != nil {
		files, detail, err := c.files(ctx, m.Attachments, *in.Attachments)
		switch {
		case err != nil:
			return err
		case detail != nil:
			refuse(*detail)
		}
		m.Attachments = files
	}
	if len(details) == 0 && blank(m.Text) && len(m.Attachments) == 0 {
		refuse(fault.At("text", fault.Required, "a message needs a text or an attachment"))
	}
	return fault.Invalid(details)
}

func checkMessage(s string) (details []fault.Detail) {
	if text.Len(s) > maxComment {
		details = append(details, fault.At("text", fault.TooLong, "a message has at most %d characters", maxComment))
	}
	if strings.IndexByte(s, 0) >= 0 {
		details = append(details, fault.At("text", fault.Type, "the text contains a NUL character"))
	}
	return details
}

// quotable tells whether a message may reply to another: 0 for none.
func (c *chatting) quotable(ctx context.Context, m *Message, id int64) (bool, error) {
	if id == 0 {
		return true, nil
	}
	_, err := c.message(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && id != m.ID, err
}

// employees finds employees that a message mentions. One who was removed may stay
// but not be named anew.
func (c *chatting) employees(ctx context.Context, keys []query.Key, known []query.Record, path string) (list []query.Record, wrong []fault.Detail, err error) {
	if len(keys) > maxMentions {
		return nil, []fault.Detail{fault.At(path, fault.TooMany, "at most %d employees can be mentioned", maxMentions)}, nil
	}
	users := c.st.Catalog(Employees)
	numbers := make([]query.Record, len(keys))
	refs := make([]query.Ref, 0, len(keys))
	for i, key := range keys {
		if numbers[i], err = everKnown(ctx, c.r, users, key); err != nil {
			return nil, nil, err
		}
		if numbers[i] != 0 {
			refs = append(refs, query.MakeRef(Employees, numbers[i]))
		}
	}
	titles, err := c.r.Titles(ctx, refs)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range numbers {
		title, ok := titles[query.MakeRef(Employees, n)]
		switch {
		case n == 0 || !ok || title.Removed && !slices.Contains(known, n):
			wrong = append(wrong, fault.At(path, fault.NotFound, "there is no employee %s", keyText(keys[i])))
		case !slices.Contains(list, n):
			list = append(list, n)
		}
	}
	return list, wrong, nil
}

// SetSubscription subscribes the actor to a record's chat or ends that, and notes
// that he has read all of it; nil and false leave what is. It tells whether he is
// subscribed then. It fails with NotFound and Forbidden.
func (s *Service) SetSubscription(ctx context.Context, a Actor, of ChatOf, subscribe *bool, read bool) (on bool, err error) {
	begins := subscribe != nil && *subscribe
	err = s.chat(ctx, a, of, begins, func(c *chatting) error {
		on, err = c.subscribe(ctx, subscribe, read)
		return err
	})
	return on, err
}

func (c *chatting) subscribe(ctx context.Context, subscribe *bool, read bool) (bool, error) {
	employee := c.access.actor.Employee
	if employee == 0 {
		return false, nil // automation has no counters
	}
	if read {
		if err := c.w.ReadChat(ctx, c.catalog.Num, c.record, employee); err != nil {
			return false, err
		}
	}
	if subscribe != nil {
		return *subscribe, c.w.Subscribe(ctx, []Subscription{{c.catalog.Num, c.record, employee, *subscribe}})
	}
	chats, err := c.r.Chats(ctx, c.catalog.Num, employee, []query.Record{c.record})
	return chats[c.record].Subscribed, err
}
