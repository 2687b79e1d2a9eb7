package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// chatOf is the chat of an order.
func chatOf(r query.Record) catalog.ChatOf {
	return catalog.ChatOf{Catalog: "orders", Record: query.Key{Record: r}}
}

// said is the input of a message of a text.
func said(s string) catalog.MessageInput { return catalog.MessageInput{Text: &s} }

// mentioning is said with mentions beside the text.
func mentioning(s string, who ...catalog.Actor) catalog.MessageInput {
	in, keys := said(s), []query.Key{}
	for _, a := range who {
		keys = append(keys, query.Key{Record: a.Employee})
	}
	in.Mentions = &keys
	return in
}

func (w *world) say(a catalog.Actor, r query.Record, in catalog.MessageInput) int64 {
	w.Helper()
	id, err := w.s.PostMessage(w.Context(), a, chatOf(r), in)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// chat shows a chat: texts, those of deleted messages as "-".
func (w *world) chat(a catalog.Actor, r query.Record) string {
	w.Helper()
	page, err := w.s.Messages(w.Context(), a, chatOf(r), 1000, 0)
	if err != nil {
		return string(fault.CodeOf(err))
	}
	var texts []string
	for _, m := range page.Messages {
		text := m.Text
		if m.Deleted != 0 {
			text = "-" + text
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

// news are the chats of all orders to somebody, by record: "messages unread
// subscribed"; then which are in the list of unread ones and their number in the
// catalog.
func (w *world) news(a catalog.Actor) string {
	w.Helper()
	rows, err := w.s.Records(w.Context(), a, w.orders.Num, query.Query{Limit: 100}, nil)
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for i := range rows.Page.Len() {
		n := rows.Page.Record(i)
		c := rows.Chats[n]
		list = append(list, fmt.Sprintf("%d: %d %v %v", n, c.Messages, c.Unread, c.Subscribed))
		one, err := w.s.Record(w.Context(), a, w.orders.Num, query.Key{Record: n}, nil)
		if err != nil || one.Chats[n] != c {
			w.Errorf("record %d alone: %+v, %v", n, one, err)
		}
	}
	unread, err := w.s.Records(w.Context(), a, w.orders.Num, query.Query{Where: query.Unread{Employee: 1}, Limit: 100, WithTotal: true}, nil)
	if err != nil {
		w.Fatal(err)
	}
	scope, err := w.s.Catalog(w.Context(), a, "orders")
	if err == nil {
		err = w.s.CountChats(w.Context(), a, scope)
	}
	if err != nil || unread.Total != scope.NewChats || int64(unread.Page.Len()) != unread.Total {
		w.Errorf("%d of %d are unread, %d in the catalog: %v", unread.Page.Len(), unread.Total, scope.NewChats, err)
	}
	return fmt.Sprintf("%s; %d", strings.Join(list, ", "), scope.NewChats)
}

func (w *world) hears(what string, a catalog.Actor, want string) {
	w.Helper()
	if got := w.news(a); got != want {
		w.Errorf("%s: %s, want %s", what, got, want)
	}
}

// options sets somebody's subscription.
func (w *world) options(a catalog.Actor, r query.Record, subscribe *bool, read bool) bool {
	w.Helper()
	on, err := w.s.SetSubscription(w.Context(), a, chatOf(r), subscribe, read)
	if err != nil {
		w.Fatal(err)
	}
	now, err := w.s.Subscribed(w.Context(), a, chatOf(r))
	if err != nil || now != on {
		w.Errorf("subscribed %v, answered %v: %v", now, on, err)
	}
	return on
}

var yes, nope = true, false

func TestChat(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ann, bob := w.employed("Ann"), w.employed("Bob")
		r := w.order("name", catalog.Text("first"))
		before := w.row(w.orders, r, nil)
		if w.options(ann, r, nil, true) || w.options(ann, r, &nope, false) {
			t.Error("subscribed by reading or by ending it")
		}
		if st, _ := w.s.Structure(t.Context()); st.Catalog(w.orders.Num).Chat {
			t.Error("reading began the chats of the catalog")
		}
		w.hears("nothing", ann, "1: 0 false false; 0")
		if w.chat(ann, r) != "" {
			t.Error("messages before any")
		}
		first := w.say(ann, r, mentioning("one", bob, ann, bob))
		w.now = w.now.Add(time.Second)
		second := w.say(bob, r, said("two"))
		if first != 1 || second != 2 {
			t.Errorf("the messages are %d and %d", first, second)
		}
		w.hears("ann", ann, "1: 2 true true; 1")
		w.hears("bob", bob, "1: 2 true true; 1")
		w.hears("boss", boss, "1: 2 false false; 0")
		w.options(bob, r, nil, true)
		w.hears("bob has read", bob, "1: 2 false true; 0")
		if err := w.s.EditMessage(t.Context(), bob, chatOf(r), second, said("two!")); err != nil {
			t.Fatal(err)
		}
		w.hears("an edit is no news", ann, "1: 2 true true; 1")
		if err := w.s.DeleteMessage(t.Context(), bob, chatOf(r), second); err != nil {
			t.Fatal(err)
		}
		w.hears("the news is deleted", ann, "1: 1 false true; 0")
		if got := w.chat(boss, r); got != "one -" {
			t.Errorf("the chat is %q", got)
		}
		if got := w.history(w.orders, catalog.HistoryAsk{Kinds: []catalog.HistoryKind{catalog.Commented}}); !slices.Equal(got, []string{`COMMENT "one"`, `COMMENT ""`}) {
			t.Errorf("the feed is %q", got)
		}
		if after := w.row(w.orders, r, nil); after.Page.Updated(0) != before.Page.Updated(0) || after.Page.Version(0) != before.Page.Version(0) {
			t.Error("the record has changed")
		}
		if third := w.say(boss, r, said("three")); third != 3 {
			t.Errorf("the number of a deleted message is given again: %d", third)
		}
		w.hears("boss is subscribed, not to his own", boss, "1: 2 true true; 1")
	})
}

// TestMessageParts: what a message has, and what changes of it.
func TestMessageParts(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		ann, bob := w.employed("Ann"), w.employed("Bob")
		r := w.order("name", catalog.Text("first"))
		w.now = w.now.Add(time.Minute)
		id := w.say(boss, r, mentioning("one", ann))
		in := said("two")
		in.InText, in.Reply = []query.Key{{Record: bob.Employee}, {Record: ann.Employee}}, &id
		other := w.say(ann, r, in)
		made := w.now.UnixMilli()
		read := func(id int64) *catalog.Message {
			t.Helper()
			page, err := w.s.Messages(t.Context(), bob, chatOf(r), 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			if page.Quoted[id] != nil && page.Quoted[id].Text != "one" || page.Titles[query.MakeRef(catalog.Employees, ann.Employee)].Text != "Ann" {
				t.Errorf("%+v", page)
			}
			return page.Messages[slices.IndexFunc(page.Messages, func(m *catalog.Message) bool { return m.ID == id })]
		}
		if m := read(other); m.Reply != id || m.Author != ann.Employee || !slices.Equal(m.Mentioned(), []query.Record{bob.Employee, ann.Employee}) || m.Created != made || m.Updated != 0 {
			t.Errorf("%+v", m)
		}
		w.now = w.now.Add(time.Minute)
		edit := func(a catalog.Actor, id int64, in catalog.MessageInput) {
			t.Helper()
			if err := w.s.EditMessage(t.Context(), a, chatOf(r), id, in); err != nil {
				t.Fatal(err)
			}
		}
		edit(ann, other, catalog.MessageInput{})
		edit(ann, other, in)
		if m := read(other); m.Updated != 0 {
			t.Error("an edit of nothing is noted")
		}
		edit(ann, other, catalog.MessageInput{Reply: new(int64)})
		if m := read(other); m.Reply != 0 || m.Text != "two" || m.Updated != w.now.UnixMilli() || len(m.InText) != 2 {
			t.Errorf("%+v", m)
		}
		edit(ann, other, said("plain"))
		if m := read(other); len(m.Mentioned()) != 0 {
			t.Errorf("%+v", m)
		}
		w.apply(catalog.Delete{Catalog: catalog.Employees, Record: query.Key{Record: ann.Employee}})
		edit(boss, id, mentioning("still", ann))
		if m := read(id); !slices.Equal(m.Mentions, []query.Record{ann.Employee}) {
			t.Errorf("a removed employee left: %+v", m)
		}
		_, err := w.s.PostMessage(t.Context(), boss, chatOf(r), mentioning("new", ann))
		wantCode(t, "mentioning a removed employee", err, fault.ValidationFailed)
	})
}

func TestBadMessages(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		ann := w.employed("Ann")
		r, elsewhere := w.order("name", catalog.Text("first")), w.order("name", catalog.Text("second"))
		id, other := w.say(boss, r, said("one")), w.say(boss, elsewhere, said("other"))
		deleted := w.say(boss, r, said("gone"))
		if err := w.s.DeleteMessage(t.Context(), boss, chatOf(r), deleted); err != nil {
			t.Fatal(err)
		}
		reply := func(to int64) catalog.MessageInput {
			in := said("x")
			in.Reply = &to
			return in
		}
		files := func(list ...catalog.File) catalog.MessageInput {
			all := catalog.Files(list)
			return catalog.MessageInput{Attachments: &all}
		}
		many := make([]catalog.Actor, 101)
		inText := said("x")
		inText.InText = []query.Key{{Code: "nobody"}}
		bad := map[string]catalog.MessageInput{
			"nothing": {}, "blanks": said(" \n"), "no attachment": files(), "a long text": said(strings.Repeat("я", 10_001)), "a NUL": said("a\x00"),
			"nobody": mentioning("x", catalog.Actor{Employee: 99}), "nobody in the text": inText, "too many": mentioning("x", many...),
			"a reply to nothing": reply(99), "a reply to another chat": reply(other), "a reply to a deleted one": reply(deleted),
			"no such file": files(catalog.File{ID: 99}), "too many files": files(make([]catalog.File, 101)...),
			"no address": files(catalog.File{URL: "ftp://x", Storage: catalog.Elsewhere}),
		}
		for what, in := range bad {
			_, err := w.s.PostMessage(t.Context(), boss, chatOf(r), in)
			wantCode(t, what, err, fault.ValidationFailed)
		}
		wantCode(t, "an edit to nothing", w.s.EditMessage(t.Context(), boss, chatOf(r), id, said("")), fault.ValidationFailed)
		wantCode(t, "a reply to itself", w.s.EditMessage(t.Context(), boss, chatOf(r), id, reply(id)), fault.ValidationFailed)
		wantCode(t, "another's", w.s.EditMessage(t.Context(), ann, chatOf(r), id, said("x")), fault.Forbidden)
		for what, of := range map[string]catalog.ChatOf{"another chat": chatOf(elsewhere), "no record": chatOf(99), "no catalog": {Catalog: "nothing"}} {
			wantCode(t, what, w.s.EditMessage(t.Context(), boss, of, id, said("x")), fault.NotFound)
			wantCode(t, what, w.s.DeleteMessage(t.Context(), boss, of, id), fault.NotFound)
		}
		wantCode(t, "deleting again", w.s.DeleteMessage(t.Context(), boss, chatOf(r), deleted), fault.NotFound)
		wantCode(t, "editing what is deleted", w.s.EditMessage(t.Context(), boss, chatOf(r), deleted, said("x")), fault.NotFound)
		wantCode(t, "where no message is", w.s.DeleteMessage(t.Context(), boss, catalog.ChatOf{Catalog: "vendors", Record: query.Key{Record: w.vendor("Acme")}}, 1), fault.NotFound)
		for what, page := range map[fault.Code][2]int{fault.InvalidParameter: {-1, 0}, fault.LimitTooLarge: {1001, 0}} {
			_, err := w.s.Messages(t.Context(), boss, chatOf(r), page[0], page[1])
			wantCode(t, "a page", err, what)
		}
		if got := w.chat(boss, r); got != "one -" {
			t.Errorf("something was written: %q", got)
		}
	})
}

func TestChatRights(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ann, bob := w.employed("Ann"), w.employed("Bob")
		w.private()
		r, hidden := w.order("name", catalog.Text("seen"), "price", catalog.Number(1)), w.order("name", catalog.Text("hidden"), "price", catalog.Number(2))
		w.rules(of(w.orders), only(1, "admin"))
		view := w.legal(w.orders, "seen", "price", `{"at":1,"to":1}`)
		w.rules(view, only(1, "access"), only(ann.Employee, "view"))
		id := w.say(boss, r, mentioning("to both", ann, bob))
		secret := w.say(boss, hidden, mentioning("secret", ann))
		w.hears("what she views only", ann, "1: 1 true false; 1")
		if got := w.chat(ann, hidden) + w.chat(bob, r); got != "forbiddenforbidden" {
			t.Errorf("read: %s", got)
		}
		_, err := w.s.PostMessage(t.Context(), ann, chatOf(hidden), said("x"))
		wantCode(t, "posting", err, fault.Forbidden)
		_, err = w.s.SetSubscription(t.Context(), bob, chatOf(r), &yes, true)
		wantCode(t, "subscribing", err, fault.Forbidden)
		_, err = w.s.Subscribed(t.Context(), bob, chatOf(r))
		wantCode(t, "asking whether", err, fault.Forbidden)
		wantCode(t, "deleting another's", w.s.DeleteMessage(t.Context(), ann, chatOf(r), id), fault.Forbidden)
		wantCode(t, "deleting a hidden one through another record", w.s.DeleteMessage(t.Context(), ann, chatOf(r), secret), fault.NotFound)
		mine := w.say(ann, r, said("mine"))
		wantCode(t, "editing is the author's", w.s.EditMessage(t.Context(), boss, chatOf(r), mine, said("x")), fault.Forbidden)
		wantCode(t, "may edit", w.s.MayEditMessage(t.Context(), ann, chatOf(r), mine), "")
		wantCode(t, "may not edit", w.s.MayEditMessage(t.Context(), boss, chatOf(r), mine), fault.Forbidden)
		wantCode(t, "who manages the record deletes", w.s.DeleteMessage(t.Context(), boss, chatOf(r), mine), "")
		w.patch(r, "price", catalog.Number(5))
		w.hears("she lost the view", ann, "; 0")
		if got := w.chat(ann, r); got != "forbidden" {
			t.Errorf("read: %s", got)
		}
		w.apply(catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: r}})
		if got := w.chat(boss, r); got != "not_found" {
			t.Errorf("the chat of a removed record: %s", got)
		}
	})
}

// TestChatOfToken: reading takes the verb for reading, writing that of comments.
func TestChatOfToken(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("first"))
		id := w.say(boss, r, said("one"))
		for verbs, want := range map[account.Verbs][2]fault.Code{
			account.Reads: {"", fault.Forbidden}, account.Updates: {fault.Forbidden, ""}, account.Creates: {fault.Forbidden, fault.Forbidden},
		} {
			a := boss
			a.Scope = &account.Scope{Verbs: verbs}
			_, err := w.s.Messages(t.Context(), a, chatOf(r), 1, 0)
			wantCode(t, fmt.Sprint(verbs.Names(), " reads"), err, want[0])
			_, err = w.s.PostMessage(t.Context(), a, chatOf(r), said("x"))
			wantCode(t, fmt.Sprint(verbs.Names(), " posts"), err, want[1])
			wantCode(t, fmt.Sprint(verbs.Names(), " edits"), w.s.EditMessage(t.Context(), a, chatOf(r), id, said("y")), want[1])
			_, err = w.s.SetSubscription(t.Context(), a, chatOf(r), &yes, true)
			wantCode(t, fmt.Sprint(verbs.Names(), " subscribes"), err, want[1])
		}
	})
}

// TestSubscribingField: who is put into a field that subscribes is.
func TestSubscribingField(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ann, bob := w.employed("Ann"), w.employed("Bob")
		subscribing := field("watch", "user", &catalog.Config{Multi: true, Subscribe: true})
		cases := w.make("Cases", required(field("name", "text", nil)), subscribing)
		links := w.make("Links", field("name", "text", nil), field("case", "object", &catalog.Config{
			Sources: []catalog.Source{{Catalog: cases.Num}}, EnableUnsaved: true, Shown: []catalog.ShownField{{Field: cases.FieldByKey("watch").Num, Edit: true}},
		}))
		people := func(who ...catalog.Actor) (list catalog.Links) {
			for _, a := range who {
				list = append(list, link(w.users(), a.Employee))
			}
			return list
		}
		made := w.apply(catalog.Create{Catalog: cases.Num, Values: values(cases, "name", catalog.Text("a"), "watch", people(ann))})[0].Record
		of := catalog.ChatOf{Catalog: "cases", Record: query.Key{Record: made}}
		subscribed := func(what string, want ...bool) {
			t.Helper()
			for i, a := range []catalog.Actor{ann, bob, boss} {
				if on, err := w.s.Subscribed(t.Context(), a, of); err != nil || on != want[i] {
					t.Errorf("%s: %s is subscribed: %v, %v", what, []string{"Ann", "Bob", "the boss"}[i], on, err)
				}
			}
		}
		subscribed("created", true, false, false)
		if _, err := w.s.SetSubscription(t.Context(), ann, of, &nope, false); err != nil {
			t.Fatal(err)
		}
		set := func(who ...catalog.Actor) {
			w.apply(catalog.Update{Catalog: cases.Num, Record: query.Key{Record: made}, Values: values(cases, "watch", people(who...))})
		}
		set(ann, bob)
		subscribed("who was there before is left alone", false, true, false)
		set(bob)
		set(bob, ann)
		subscribed("put in again", true, true, false)
		nested := link(cases, made)
		nested.Values = values(cases, "watch", people(boss))
		w.apply(catalog.Create{Catalog: links.Num, Values: values(links, "case", catalog.Links{nested})})
		subscribed("through a link", true, true, true)
	})
}

// TestChatWithoutHistory: a catalog that keeps no history has chats, and no feed.
func TestChatWithoutHistory(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		if _, err := w.s.UpdateCatalog(t.Context(), boss, "orders", catalog.CatalogInput{History: &nope}); err != nil {
			t.Fatal(err)
		}
		r := w.order("name", catalog.Text("first"))
		id := w.say(boss, r, said("one"))
		if _, err := w.s.UpdateCatalog(t.Context(), boss, "orders", catalog.CatalogInput{History: &yes}); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "editing", w.s.EditMessage(t.Context(), boss, chatOf(r), id, said("two")), "")
		if got := w.history(w.orders, catalog.HistoryAsk{}); len(got) != 0 || w.chat(boss, r) != "two" {
			t.Errorf("the feed %q, the chat %q", got, w.chat(boss, r))
		}
	})
}

// TestManyWriteAtOnce: messages that begin the chats of a catalog together get
// numbers of their own, and are news to all others.
func TestManyWriteAtOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("first"))
		people := []catalog.Actor{boss, w.employed("Ann"), w.employed("Bob"), w.employed("Cleo")}
		const each = 5
		ids := make(chan int64, each*len(people))
		var writers sync.WaitGroup
		for _, a := range people {
			writers.Go(func() {
				for range each {
					id, err := w.s.PostMessage(t.Context(), a, chatOf(r), said("x"))
					if err != nil {
						t.Error(err)
					}
					ids <- id
				}
			})
		}
		writers.Wait()
		close(ids)
		seen := map[int64]bool{}
		for id := range ids {
			seen[id] = true
		}
		if len(seen) != each*len(people) {
			t.Errorf("%d numbers: %v", len(seen), seen)
		}
		for i, a := range people {
			w.hears(fmt.Sprint("person ", i), a, fmt.Sprintf("1: %d true true; 1", each*len(people)))
		}
	})
}
