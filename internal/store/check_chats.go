package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// chats checks messages, whom they mention, to whom they are new, and that their
// attachments are theirs.
func (k *checker) chats(ctx context.Context) error {
	for _, ask := range []struct{ format, sql string }{
		{"message %d is of catalog %d, which there is not",
			`SELECT min(id), catalog FROM messages WHERE catalog NOT IN (SELECT num FROM catalogs) GROUP BY catalog`},
		{"message %d is of record %d, which there never was",
			`SELECT id, record FROM messages m WHERE NOT EXISTS
				(SELECT 1 FROM titles t WHERE t.ref = m.catalog * ` + refFactor + ` + m.record)`},
		{"message %d is of catalog %d, which is said to have none",
			`SELECT min(id), catalog FROM messages WHERE catalog IN (SELECT num FROM catalogs WHERE chat IS FALSE) GROUP BY catalog`},
		{"message %d, which is not in the chat, mentions employee %d",
			`SELECT message, employee FROM mentions n WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = n.message
				AND m.catalog = n.catalog AND m.record = n.record AND m.deleted IS NULL)`},
		{"whether the chat of record %d is new to employee %d is not what its messages say", `SELECT record, employee` + wrongUnread},
		{"file %d is an attachment in the chat of record %d, where no message has it",
			`SELECT id, record FROM files f WHERE loose IS NULL AND field = 0 AND NOT EXISTS (SELECT 1 FROM messages m
				WHERE m.catalog = f.catalog AND m.record = f.record AND m.attachments IS NOT NULL)`},
	} {
		if err := k.ask(ctx, "messages", ask.format, ask.sql); err != nil {
			return err
		}
	}
	return k.attachments(ctx)
}

// wrongUnread are the subscriptions whose unread is not what it must be.
const wrongUnread = ` FROM subscriptions WHERE unread <> ` + isUnread

// attachmentsChunk is how many messages are looked through at once.
const attachmentsChunk = 1_000

// attachments looks for files of messages that are not attached to their records.
func (k *checker) attachments(ctx context.Context) error {
	for last := int64(0); ; {
		rows := 0
		wanted := map[int64]catalog.Message{} // by file
		err := k.conn.Query(ctx, `SELECT id, catalog, record, attachments FROM messages
			WHERE attachments IS NOT NULL AND id > ? ORDER BY id LIMIT ?`, []any{last, attachmentsChunk}, func(r row) error {
			rows++
			last = r.Int(0)
			m := catalog.Message{ID: last, Catalog: query.Catalog(r.Int(1)), Record: query.Record(r.Int(2))}
			if json.Unmarshal(r.Bytes(3), &m.Attachments) != nil {
				k.add("messages", "the attachments of message %d cannot be read", m.ID)
			}
			for _, f := range m.Attachments {
				wanted[f.ID] = m
			}
			return nil
		})
		if err == nil {
			err = k.placed(ctx, wanted)
		}
		if err != nil || rows < attachmentsChunk {
			return err
		}
	}
}

// placed reports the files that are not attached where their messages are.
func (k *checker) placed(ctx context.Context, wanted map[int64]catalog.Message) error {
	if len(wanted) == 0 {
		return nil
	}
	files, err := (&tx{conn: k.conn, company: k.company}).Files(ctx, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	for _, f := range files {
		m := wanted[f.ID]
		if f.Loose == 0 && f.Place == (catalog.FilePlace{Catalog: m.Catalog, Record: m.Record}) {
			delete(wanted, f.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		k.add("messages", "file %d is not attached to message %d, which has it", id, wanted[id].ID)
	}
	return nil
}

// unread makes again to whom chats are new, if that is wrong anywhere.
func (r *repair) unread(ctx context.Context, catalogs []query.Catalog) error {
	wrong := int64(0)
	err := r.view(ctx, func(k *checker) error {
		return k.conn.Query(ctx, `SELECT count(*)`+wrongUnread, nil, func(row row) error {
			wrong = row.Int(0)
			return nil
		})
	})
	if err != nil || wrong == 0 {
		return err
	}
	plan := catalog.Plan{Version: r.version, Class: catalog.Reshape, Catalogs: catalogs}
	return r.change(ctx, plan, func(t *tx) error {
		n, err := t.conn.Exec(ctx, `UPDATE subscriptions SET unread = `+isUnread+` WHERE unread <> `+isUnread)
		r.count[repairedUnread] += int(n)
		return err
	})
}
