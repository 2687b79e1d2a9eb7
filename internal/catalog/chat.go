package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Message is a message of a record's chat.
type Message struct {
	ID      int64
	Catalog query.Catalog
	Record  query.Record
	Author  query.Record // employee; 0 for automation
	Text    string
	Reply   int64 // the quoted message, 0 for none
	// Mentions are the employees named beside the text, InText those named by it.
	Mentions, InText []query.Record
	Attachments      Files
	History          int64 // the entry of the feed, 0 for none
	Created          int64 // Unix ms
	Updated, Deleted int64 // Unix ms, 0 for never
}

// Mentioned are the employees that the message mentions, each once.
func (m *Message) Mentioned() []query.Record {
	list := make([]query.Record, 0, len(m.Mentions)+len(m.InText))
	for _, n := range slices.Concat(m.Mentions, m.InText) {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// feedJSON is what the feed says of the message.
func (m *Message) feedJSON() json.RawMessage {
	dst := tree.AppendString([]byte(`{"message":`), m.Text)
	dst = append(dst, `,"messageId":"`...)
	return append(strconv.AppendInt(dst, m.ID, 10), `"}`...)
}

// Chat is what a record's chat is to an employee.
type Chat struct {
	Messages int64 // not deleted
	// Unread: somebody else has written since he read it last, and he is subscribed
	// or the message mentions him.
	Unread, Subscribed bool
}

// Subscription says whether an employee is told of all messages of a chat.
type Subscription struct {
	Catalog  query.Catalog
	Record   query.Record
	Employee query.Record
	On       bool
}

// ChatReader reads chats in one snapshot.
type ChatReader interface {
	// Messages reads a page of a chat, the newest first. It fails with
	// fault.LimitTooLarge beyond PageBytes, and so does MessagesByID.
	Messages(ctx context.Context, c query.Catalog, n query.Record, limit, offset int) ([]*Message, error)
	// MessagesByID reads messages in no promised order; missing ones are left out.
	MessagesByID(ctx context.Context, ids []int64) ([]*Message, error)
	// LiveMessages are the numbers of a catalog's messages that are not deleted, in
	// order, from after one on.
	LiveMessages(ctx context.Context, c query.Catalog, after int64, limit int) ([]int64, error)
	// Chats tells what the chats of records are to an employee; those in which
	// nothing ever happened are left out.
	Chats(ctx context.Context, c query.Catalog, employee query.Record, records []query.Record) (map[query.Record]Chat, error)
	// UnreadIn lists the catalogs with chats that are unread by an employee, be the
	// records there or not.
	UnreadIn(ctx context.Context, employee query.Record) ([]query.Catalog, error)
}

// ChatWriter writes chats within one transaction, which holds LockRecord for the
// records whose chats it changes, or has written or made them.
type ChatWriter interface {
	// LockRecord keeps a record from being changed until the transaction ends, and
	// tells whether it is there.
	LockRecord(ctx context.Context, c query.Catalog, n query.Record) (found bool, err error)
	// SaveMessage inserts or updates a message by ID, and notes to whom it is new.
	SaveMessage(ctx context.Context, m *Message) error
	// SetHistory replaces what a history entry says.
	SetHistory(ctx context.Context, id int64, payload json.RawMessage) error
	// Subscribe sets subscriptions, in order.
	Subscribe(ctx context.Context, list []Subscription) error
	// ReadChat notes that an employee has read all messages that there are.
	ReadChat(ctx context.Context, c query.Catalog, n, employee query.Record) error
}
