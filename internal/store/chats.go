package store

import (
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

const (
	selectMessages = `SELECT id, catalog, record, author, text, reply, mentions, in_text, attachments, history,
		created, updated, deleted FROM messages`
	saveMessage = `INSERT INTO messages (id, catalog, record, author, text, reply, mentions, in_text, attachments, history,
			created, updated, deleted)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET text = excluded.text, reply = excluded.reply, mentions = excluded.mentions,
			in_text = excluded.in_text, attachments = excluded.attachments, updated = excluded.updated,
			deleted = excluded.deleted`
	addMention = `INSERT INTO mentions (catalog, record, employee, message) VALUES (?, ?, ?, ?)`
	// follow makes the row of an employee in a chat; noFollower keeps it as it is,
	// subscribes and unsubscribes change it.
	follow = `INSERT INTO subscriptions (catalog, record, employee, subscribed, read, unread)
		VALUES (?, ?, ?, ?, 0, FALSE) ON CONFLICT (catalog, record, employee) `
	noFollower = `DO NOTHING`
	subscribes = `DO UPDATE SET subscribed = excluded.subscribed`

	// isUnread is what subscriptions.unread must be.
	isUnread = `(subscribed IS TRUE AND EXISTS (SELECT 1 FROM messages m WHERE m.catalog = subscriptions.catalog
			AND m.record = subscriptions.record AND m.id > subscriptions.read AND m.deleted IS NULL
			AND m.author <> subscriptions.employee)
		OR EXISTS (SELECT 1 FROM mentions n WHERE n.catalog = subscriptions.catalog AND n.record = subscriptions.record
			AND n.employee = subscriptions.employee AND n.message > subscriptions.read))`
	noteUnread = `UPDATE subscriptions SET unread = ` + isUnread + ` WHERE catalog = ? AND record = ?`
	// readOwn moves an author who has read all before on: else who writes much and
	// reads nothing has ever more messages to be looked through.
	readOwn = `UPDATE subscriptions SET read = ? WHERE catalog = ? AND record = ? AND employee = ?
		AND subscribed IS TRUE AND unread IS FALSE AND read < ?`
	readAll = `UPDATE subscriptions SET read = (SELECT coalesce(max(id), 0) FROM messages m
			WHERE m.catalog = subscriptions.catalog AND m.record = subscriptions.record), unread = FALSE
		WHERE catalog = ? AND record = ? AND employee = ?`
)

func readMessage(r row) (*catalog.Message, error) {
	m := &catalog.Message{
		ID: r.Int(0), Catalog: query.Catalog(r.Int(1)), Record: query.Record(r.Int(2)), Author: query.Record(r.Int(3)),
		Text: r.Str(4), Reply: r.Int(5), History: r.Int(9), Created: r.Int(10), Updated: r.Int(11), Deleted: r.Int(12),
	}
	err := json.Unmarshal(r.Bytes(6), &m.Mentions)
	if err == nil {
		err = json.Unmarshal(r.Bytes(7), &m.InText)
	}
	if err == nil && !r.Null(8) {
		err = json.Unmarshal(r.Bytes(8), &m.Attachments)
	}
	if err != nil {
		return nil, fmt.Errorf("read message %d: %w", m.ID, err)
	}
	return m, nil
}

func (t *tx) messages(ctx context.Context, where string, args ...any) (list []*catalog.Message, err error) {
	size := 0
	err = t.conn.Query(ctx, selectMessages+where, args, func(r row) error {
		if size += len(r.Bytes(4)) + len(r.Bytes(8)); size > catalog.PageBytes {
			return fault.New(fault.LimitTooLarge, "The messages are too big for one answer; ask for fewer of them")
		}
		m, err := readMessage(r)
		list = append(list, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return list, nil
}

// Messages implements catalog.ChatReader.
func (t *tx) Messages(ctx context.Context, c query.Catalog, n query.Record, limit, offset int) ([]*catalog.Message, error) {
	return t.messages(ctx, ` WHERE catalog = ? AND record = ? ORDER BY id DESC LIMIT ? OFFSET ?`,
		int64(c), int64(n), limit, offset)
}

// MessagesByID implements catalog.ChatReader.
func (t *tx) MessagesByID(ctx context.Context, ids []int64) ([]*catalog.Message, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return t.messages(ctx, ` WHERE `+t.conn.Dialect().AnyInt("id"), ids)
}

// LiveMessages implements catalog.ChatReader.
func (t *tx) LiveMessages(ctx context.Context, c query.Catalog, after int64, limit int) (ids []int64, err error) {
	err = t.conn.Query(ctx, `SELECT id FROM messages WHERE catalog = ? AND deleted IS NULL AND id > ? ORDER BY id LIMIT ?`,
		[]any{int64(c), after, limit}, func(r row) error {
			ids = append(ids, r.Int(0))
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list the messages of catalog %d: %w", c, err)
	}
	return ids, nil
}

// Chats implements catalog.ChatReader.
func (t *tx) Chats(ctx context.Context, c query.Catalog, employee query.Record, records []query.Record) (map[query.Record]catalog.Chat, error) {
	chats := map[query.Record]catalog.Chat{}
	if len(records) == 0 {
		return chats, nil
	}
	numbers := make([]int64, len(records))
	for i, n := range records {
		numbers[i] = int64(n)
	}
	b := newBuilder(t.conn.Dialect(), nil)
	b.add(`SELECT record, count(*), 0, 0 FROM messages WHERE catalog = ? AND deleted IS NULL AND `)
	b.bind(int64(c))
	b.among("record", numbers)
	b.add(` GROUP BY record UNION ALL SELECT record, 0, CASE WHEN subscribed IS TRUE THEN 1 ELSE 0 END,
		CASE WHEN unread IS TRUE THEN 1 ELSE 0 END FROM subscriptions WHERE catalog = ? AND employee = ? AND `)
	b.bind(int64(c), int64(employee))
	b.among("record", numbers)
	err := t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		chat := chats[query.Record(r.Int(0))]
		chat.Messages += r.Int(1)
		chat.Subscribed = chat.Subscribed || r.Int(2) != 0
		chat.Unread = chat.Unread || r.Int(3) != 0
		chats[query.Record(r.Int(0))] = chat
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the chats of catalog %d: %w", c, err)
	}
	return chats, nil
}

// UnreadIn implements catalog.ChatReader.
func (t *tx) UnreadIn(ctx context.Context, employee query.Record) (list []query.Catalog, err error) {
	err = t.conn.Query(ctx, `SELECT DISTINCT catalog FROM subscriptions WHERE employee = ? AND unread IS TRUE`,
		[]any{int64(employee)}, func(r row) error {
			list = append(list, query.Catalog(r.Int(0)))
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list unread chats: %w", err)
	}
	return list, nil
}

// unread adds the condition that a record's chat is unread.
func (b *builder) unread(src source, n query.Unread) {
	b.add(src.id(), " IN (SELECT record FROM subscriptions WHERE employee = ? AND catalog = ")
	b.bind(int64(n.Employee))
	b.int(int64(src.catalog.Num))
	b.add(" AND unread IS TRUE)")
}

// LockRecord implements catalog.ChatWriter.
func (t *tx) LockRecord(ctx context.Context, c query.Catalog, n query.Record) (found bool, err error) {
	err = t.conn.Query(ctx, `SELECT id FROM `+recordTable(c)+` WHERE id = ?`+t.conn.Dialect().ForUpdate(), []any{int64(n)},
		func(row) error {
			found = true
			return nil
		})
	if err != nil {
		return false, fmt.Errorf("lock record %d of catalog %d: %w", n, c, err)
	}
	return found, nil
}

// SaveMessage implements catalog.ChatWriter.
func (t *tx) SaveMessage(ctx context.Context, m *catalog.Message) error {
	args, err := messageArgs(m)
	if err != nil {
		return fmt.Errorf("save message %d: %w", m.ID, err)
	}
	c, n := int64(m.Catalog), int64(m.Record)
	batch := []statement{
		{SQL: saveMessage, Args: args},
		{SQL: `DELETE FROM mentions WHERE catalog = ? AND record = ? AND message = ?`, Args: []any{c, n, m.ID}},
	}
	for _, employee := range m.Mentioned() {
		if employee != m.Author {
			batch = append(batch, statement{SQL: addMention, Args: []any{c, n, int64(employee), m.ID}},
				statement{SQL: follow + noFollower, Args: []any{c, n, int64(employee), false}})
		}
	}
	batch = append(batch, statement{SQL: noteUnread, Args: []any{c, n}},
		statement{SQL: readOwn, Args: []any{m.ID, c, n, int64(m.Author), m.ID}})
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("save message %d: %w", m.ID, err)
	}
	return nil
}

func messageArgs(m *catalog.Message) ([]any, error) {
	mentions, err := json.Marshal(append([]query.Record{}, m.Mentions...))
	if err != nil {
		return nil, err
	}
	inText, err := json.Marshal(append([]query.Record{}, m.InText...))
	if err != nil {
		return nil, err
	}
	var attachments, updated, deleted any
	if len(m.Attachments) > 0 {
		list, err := json.Marshal(m.Attachments)
		if err != nil {
			return nil, err
		}
		attachments = string(list)
	}
	if m.Updated != 0 {
		updated = m.Updated
	}
	if m.Deleted != 0 {
		deleted = m.Deleted
	}
	return []any{m.ID, int64(m.Catalog), int64(m.Record), int64(m.Author), m.Text, m.Reply, string(mentions), string(inText),
		attachments, m.History, m.Created, updated, deleted}, nil
}

// SetHistory implements catalog.ChatWriter.
func (t *tx) SetHistory(ctx context.Context, id int64, payload json.RawMessage) error {
	if _, err := t.conn.Exec(ctx, `UPDATE history SET payload = ? WHERE id = ?`, storedJSON(payload), id); err != nil {
		return fmt.Errorf("change history entry %d: %w", id, err)
	}
	return nil
}

// Subscribe implements catalog.ChatWriter.
func (t *tx) Subscribe(ctx context.Context, list []catalog.Subscription) error {
	batch := make([]statement, 0, 2*len(list))
	for _, s := range list {
		c, n := int64(s.Catalog), int64(s.Record)
		batch = append(batch, statement{SQL: follow + subscribes, Args: []any{c, n, int64(s.Employee), s.On}},
			statement{SQL: noteUnread + ` AND employee = ?`, Args: []any{c, n, int64(s.Employee)}})
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// ReadChat implements catalog.ChatWriter.
func (t *tx) ReadChat(ctx context.Context, c query.Catalog, n, employee query.Record) error {
	key := []any{int64(c), int64(n), int64(employee)}
	err := execAll(ctx, t.conn, []statement{
		{SQL: follow + noFollower, Args: append(key[:3:3], false)},
		{SQL: readAll, Args: key},
	})
	if err != nil {
		return fmt.Errorf("note a chat as read: %w", err)
	}
	return nil
}

// clearChats are the statements that drop the chats of a catalog.
func clearChats(c query.Catalog) []statement {
	args := []any{int64(c)}
	return []statement{
		{SQL: `DELETE FROM messages WHERE catalog = ?`, Args: args},
		{SQL: `DELETE FROM mentions WHERE catalog = ?`, Args: args},
		{SQL: `DELETE FROM subscriptions WHERE catalog = ?`, Args: args},
	}
}
