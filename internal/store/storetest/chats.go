package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var chats = []promise{
	{name: "messages are read as they were saved", test: testMessages},
	{name: "a chat is new to whom a message is for", test: testUnread},
	{name: "a record is kept from being changed", test: testLockRecord},
	{name: "clearing a catalog drops its chats", test: testClearChats},
}

// some makes records of goods, and one of makers.
func (f *fixture) some(n int) {
	f.Helper()
	for range n {
		f.add(goods, "", values{name: catalog.Text("x")})
	}
	f.add(makers, "", values{maker: catalog.Text("y")})
}

// chat runs a transaction on chats, in catalogs that have them.
func (f *fixture) chat(fn func(w catalog.Writer) error) {
	f.Helper()
	if !f.catalog(goods).Chat {
		f.reshape(f.st.Version, func(w catalog.Writer) error {
			for _, n := range []query.Catalog{goods, makers} {
				c := *f.catalog(n)
				c.Chat = true
				if err := w.SaveCatalog(f.Context(), &c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := f.update(fn); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) say(list ...*catalog.Message) {
	f.Helper()
	f.chat(func(w catalog.Writer) error {
		for _, m := range list {
			if err := w.SaveMessage(f.Context(), m); err != nil {
				return err
			}
		}
		return nil
	})
}

// news are the chats of records of goods to an employee, as "messages unread
// subscribed", and how many of them a condition finds unread.
func (f *fixture) news(employee query.Record, records ...query.Record) string {
	f.Helper()
	var text string
	f.read(func(r catalog.Reader) error {
		of, err := r.Chats(f.Context(), goods, employee, records)
		if err != nil {
			return err
		}
		for _, n := range records {
			text += fmt.Sprintf("%d %v %v, ", of[n].Messages, of[n].Unread, of[n].Subscribed)
		}
		s := &catalog.Selected{Structure: f.st, Catalog: f.catalog(goods), Where: query.Unread{Employee: employee}}
		n, err := r.Count(f.Context(), s)
		text += fmt.Sprint(n)
		return err
	})
	return text
}

func (f *fixture) hears(employee query.Record, want string) {
	f.Helper()
	if got := f.news(employee, 1, 2); got != want {
		f.Errorf("the chats to employee %d are %s, want %s", employee, got, want)
	}
}

func testMessages(f *fixture) {
	f.some(2)
	mime := "image/png"
	first := &catalog.Message{ID: 7, Catalog: goods, Record: 1, Author: 5, Text: "Привіт <b>", Mentions: []query.Record{3, 4}, InText: []query.Record{4, 9},
		Attachments: catalog.Files{{ID: 1, Title: "a", URL: "1/x/a", MimeType: &mime, Storage: catalog.InStore, Image: &blob.Size{Width: 2, Height: 1}}}, Created: 1000}
	f.saveFiles(loose(1))
	f.chat(func(w catalog.Writer) error {
		file := loose(1)
		file.Loose, file.Place = 0, catalog.FilePlace{Catalog: goods, Record: 1}
		return w.WriteFiles(f.Context(), []catalog.FileWrite{{Kind: catalog.AttachFile, File: file}})
	})
	second := &catalog.Message{ID: 8, Catalog: goods, Record: 1, Text: "x", Reply: 7, History: 12, Created: 2000, Updated: 3000}
	f.say(first, second, &catalog.Message{ID: 9, Catalog: goods, Record: 2, Created: 1, Deleted: 2})
	page := func(limit, offset int) (list []*catalog.Message) {
		f.read(func(r catalog.Reader) (err error) {
			list, err = r.Messages(f.Context(), goods, 1, limit, offset)
			return err
		})
		return list
	}
	empty := []query.Record{}
	second.Mentions, second.InText = empty, empty
	for _, test := range []struct {
		limit, offset int
		want          []*catalog.Message
	}{{10, 0, []*catalog.Message{second, first}}, {1, 0, []*catalog.Message{second}}, {1, 1, []*catalog.Message{first}}, {1, 2, nil}} {
		if got := page(test.limit, test.offset); !reflect.DeepEqual(got, test.want) {
			f.Errorf("%d from %d: %+v", test.limit, test.offset, got)
		}
	}
	f.read(func(r catalog.Reader) error {
		some, err := r.MessagesByID(f.Context(), []int64{9, 99})
		none, err2 := r.MessagesByID(f.Context(), nil)
		live, err3 := r.LiveMessages(f.Context(), goods, 7, 10)
		if len(some) != 1 || some[0].Deleted != 2 || none != nil || !reflect.DeepEqual(live, []int64{8}) {
			f.Errorf("%+v, %+v, %v", some, none, live)
		}
		return errors.Join(err, err2, err3)
	})
	second.Text, second.Reply, second.Updated, second.Deleted = "", 0, 4000, 5000
	f.say(second)
	if got := page(1, 0); !reflect.DeepEqual(got[0], second) {
		f.Errorf("changed: %+v", got[0])
	}
}

func testUnread(f *fixture) {
	f.some(2)
	const ann, bob, cleo = 11, 12, 13
	subscribe := func(n query.Record, employee query.Record, on bool) {
		f.Helper()
		f.chat(func(w catalog.Writer) error {
			return w.Subscribe(f.Context(), []catalog.Subscription{{Catalog: goods, Record: n, Employee: employee, On: on}})
		})
	}
	subscribe(1, ann, true)
	f.hears(ann, "0 false true, 0 false false, 0")
	f.say(&catalog.Message{ID: 1, Catalog: goods, Record: 1, Author: bob, Text: "a"}, &catalog.Message{ID: 2, Catalog: goods, Record: 2, Author: bob, Text: "b"})
	f.hears(ann, "1 true true, 1 false false, 1")
	f.hears(bob, "1 false false, 1 false false, 0")
	mention := &catalog.Message{ID: 3, Catalog: goods, Record: 2, Author: bob, Text: "c", InText: []query.Record{ann, bob}, Mentions: []query.Record{cleo, cleo}}
	f.say(mention)
	f.hears(ann, "1 true true, 2 true false, 2")
	f.hears(bob, "1 false false, 2 false false, 0")
	f.hears(cleo, "1 false false, 2 true false, 1")
	subscribe(1, ann, false)
	f.hears(ann, "1 false false, 2 true false, 1")
	subscribe(1, ann, true)
	f.hears(ann, "1 true true, 2 true false, 2")
	f.chat(func(w catalog.Writer) error { return w.ReadChat(f.Context(), goods, 1, ann) })
	f.hears(ann, "1 false true, 2 true false, 1")
	f.say(&catalog.Message{ID: 4, Catalog: goods, Record: 1, Author: ann, Text: "own"})
	f.hears(ann, "2 false true, 2 true false, 1")
	later := &catalog.Message{ID: 5, Catalog: goods, Record: 1, Author: bob, Text: "later"}
	f.say(later)
	f.hears(ann, "3 true true, 2 true false, 2")
	later.Deleted = 9
	mention.InText = nil
	f.say(later, mention)
	f.hears(ann, "2 false true, 2 false false, 0")
	f.hears(cleo, "2 false false, 2 true false, 1")
	f.read(func(r catalog.Reader) error {
		of, err := r.UnreadIn(f.Context(), cleo)
		if len(of) != 1 || of[0] != goods {
			f.Errorf("unread in %v", of)
		}
		return err
	})
}

func testLockRecord(f *fixture) {
	f.some(1)
	f.chat(func(w catalog.Writer) error {
		one, err := w.LockRecord(f.Context(), goods, 1)
		none, err2 := w.LockRecord(f.Context(), goods, 2)
		if !one || none {
			f.Errorf("found %v and %v", one, none)
		}
		return errors.Join(err, err2)
	})
	f.chat(func(w catalog.Writer) error {
		id, err := w.AddHistory(f.Context(), &catalog.HistoryRow{Catalog: goods, Record: 1, Kind: catalog.Commented, Payload: json.RawMessage(`{"message":"a"}`)})
		if err != nil {
			return err
		}
		return w.SetHistory(f.Context(), id, json.RawMessage(`{"message":"b"}`))
	})
	f.read(func(r catalog.Reader) error {
		list, err := r.History(f.Context(), &catalog.HistoryQuery{Structure: f.st, Catalog: f.catalog(goods), Limit: 1})
		if len(list) != 1 || string(list[0].Payload) != `{"message":"b"}` {
			f.Errorf("the entry is %+v", list)
		}
		return err
	})
}

func testClearChats(f *fixture) {
	f.some(2)
	f.say(&catalog.Message{ID: 1, Catalog: goods, Record: 1, Author: 11, Text: "a", Mentions: []query.Record{12}},
		&catalog.Message{ID: 2, Catalog: makers, Record: 1, Author: 11, Text: "b", Mentions: []query.Record{13}})
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		_, err := w.Clear(f.Context(), f.catalog(goods), 1, catalog.ChangeRow{Origin: "cli"})
		return err
	})
	f.read(func(r catalog.Reader) error {
		left, err := r.MessagesByID(f.Context(), []int64{1, 2})
		in, err2 := r.UnreadIn(f.Context(), 12)
		other, err3 := r.UnreadIn(f.Context(), 13)
		if len(left) != 1 || left[0].ID != 2 || in != nil || len(other) != 1 {
			f.Errorf("left: %+v, unread in %v and %v", left, in, other)
		}
		return errors.Join(err, err2, err3)
	})
}
