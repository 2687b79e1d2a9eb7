package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// chatMessage is a message of the model.
type chatMessage struct {
	id       int
	r        *record
	by       *person
	text     string
	mentions []*record // cards
	file     int64     // of its attachment, 0 for none
	address  string
	reply    *chatMessage
	deleted  bool
}

// chatOf is a record's chat as an employee's card has it.
type chatOf struct{ card, r *record }

type chatState struct {
	subscribed bool
	read       int // up to this message
}

// seenChat are the counters of an answer.
type seenChat struct {
	MessagesCount          int
	NewMessages, Subscribe bool
}

func (w *rightsWorld) chat(card, r *record) *chatState {
	of := chatOf{card, r}
	if w.chats[of] == nil {
		w.chats[of] = &chatState{}
	}
	return w.chats[of]
}

// follow subscribes employees whom a change puts into fields that do so.
func (w *rightsWorld) follow(r, before, after *record) {
	for _, f := range r.of.fields {
		if !f.subscribe {
			continue
		}
		for _, card := range linksOf(after, f) {
			if !slices.Contains(linksOf(before, f), card) {
				w.chat(card, r).subscribed = true
			}
		}
	}
}

// unread tells whether a chat has news for an employee: a message by another that
// he has not read, in a chat that he follows or with his name.
func (w *rightsWorld) unread(card, r *record) bool {
	of := w.chat(card, r)
	return slices.ContainsFunc(w.messages, func(m *chatMessage) bool {
		return m.r == r && !m.deleted && m.by.card != card && m.id > of.read && (of.subscribed || slices.Contains(m.mentions, card))
	})
}

func (w *rightsWorld) wantChat(a asker, r *record) seenChat {
	want := seenChat{NewMessages: w.unread(a.card, r), Subscribe: w.chat(a.card, r).subscribed}
	for _, m := range w.messages {
		if m.r == r && !m.deleted {
			want.MessagesCount++
		}
	}
	return want
}

// newChats counts the records that the asker may view and that have news for him.
func (w *rightsWorld) newChats(a asker, c *cat) (n int) {
	for _, r := range c.records {
		if w.readable(a, r) && w.unread(a.card, r) {
			n++
		}
	}
	return n
}

// mayChat tells whether the asker may write in a record's chat.
func (w *rightsWorld) mayChat(a asker, r *record) bool {
	return w.sees(a, r.of) && a.may(r.of, "update") && w.privilege(a, r) >= catalog.ViewPrivilege
}

func (r *record) chatPath() string {
	return "/catalogs/" + r.of.key + "/records/" + r.id() + "/messages"
}

// draft is a random message and what is to be sent. Its text is a mark.
func (w *rightsWorld) draft(r *record, by *person) (*chatMessage, map[string]any) {
	w.marks++
	w.marks %= 9000
	m := &chatMessage{r: r, by: by, text: markText(w.marks)}
	w.owners[m.text] = mark{r: r}
	send, mentions := map[string]any{"text": m.text}, []any{}
	for _, card := range w.users.records {
		if w.chance(25) {
			m.mentions = append(m.mentions, card)
			mentions = append(mentions, pick[any](w.rng, card.id(), map[string]any{"id": card.num}, map[string]any{"catalogId": 3, "recordId": card.id()}))
		}
	}
	send["mentions"] = mentions
	if card := pick(w.rng, w.users.records...); w.chance(20) && !slices.Contains(m.mentions, card) {
		m.text += " <@$users:" + card.id() + ";x/@>"
		m.mentions, send["text"] = append(m.mentions, card), m.text
	}
	if w.chance(30) {
		m.address = "https://files.example/" + strconv.Itoa(w.marks)
		send["attachments"] = []any{map[string]any{"title": "a file", "url": m.address}}
	}
	return m, send
}

// postByRights lets somebody write a message.
func (w *rightsWorld) postByRights() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	m, send := w.draft(r, a.person)
	bad := false
	if quoted := w.someMessage(nil); quoted != nil && w.chance(30) {
		send["replyMessageId"] = quoted.id
		m.reply, bad = quoted, quoted.r != r || quoted.deleted
	}
	got := w.write(a, http.MethodPost, r.chatPath(), send, func(got answer) {
		m.id, _ = strconv.Atoi(parse[struct{ ID string }](w.world, got).ID)
		w.messages = append(w.messages, m)
		w.chat(a.card, r).subscribed = true
		w.past = append(w.past, &pastEntry{r: r, kind: "COMMENT", by: a.person, message: m})
		w.learnFile(m)
	})
	switch {
	case !w.mayChat(a, r):
		w.refused(got, "forbidden")
	case bad:
		w.refused(got, "validation_failed")
	default:
		w.expect(got, true)
	}
}

// learnFile finds out the number of a message's attachment.
func (w *rightsWorld) learnFile(m *chatMessage) {
	w.t.Helper()
	m.file = 0
	of := catalog.ChatOf{Catalog: m.r.of.key, Record: query.Key{Record: query.Record(m.r.num)}}
	page, err := w.sides[0].app.Catalog.Messages(w.t.Context(), system, of, 1000, 0)
	if err != nil {
		w.fail("read a chat: %v", err)
	}
	for _, stored := range page.Messages {
		if int(stored.ID) == m.id && len(stored.Attachments) > 0 {
			m.file = stored.Attachments[0].ID
		}
	}
}

// someMessage is a random message, of a record's chat if that is given.
func (w *rightsWorld) someMessage(of func(*chatMessage) bool) *chatMessage {
	list := w.messages
	if of != nil {
		list = slices.DeleteFunc(slices.Clone(list), func(m *chatMessage) bool { return !of(m) })
	}
	if len(list) == 0 {
		return nil
	}
	return pick(w.rng, list...)
}

// editByRights lets somebody, most often its author, change or delete a message.
func (w *rightsWorld) editByRights() {
	m := w.someMessage(func(m *chatMessage) bool { return !m.r.removed })
	if m == nil {
		return
	}
	a := w.asker()
	if w.chance(60) {
		a = asker{person: m.by}
	}
	path := m.r.chatPath() + "/" + strconv.Itoa(m.id)
	allowed, author := w.mayChat(a, m.r), m.by == a.person
	var got answer
	if w.chance(40) {
		allowed = allowed && a.allows("delete", "admin") // by the method
		author = author || w.privilege(a, m.r) >= catalog.AccessPrivilege
		got = w.write(a, http.MethodDelete, path, nil, func(answer) { m.text, m.mentions, m.address, m.deleted = "", nil, "", true })
	} else {
		after, send := w.draft(m.r, m.by)
		if send["attachments"] == nil {
			after.address = m.address
		}
		got = w.write(a, http.MethodPatch, path, send, func(answer) {
			m.text, m.mentions, m.address = after.text, after.mentions, after.address
			w.learnFile(m)
		})
	}
	switch {
	case !allowed:
		w.refused(got, "forbidden")
	case m.deleted && got.status != http.StatusOK:
		w.refused(got, "not_found")
	case !author:
		w.refused(got, "forbidden")
	default:
		w.expect(got, true)
	}
}

// seenMessage is a message of an answer.
type seenMessage struct {
	ID, Text    string
	Deleted     bool
	Mention     []string
	Reply       *struct{ ID, Text string }
	Attachments []struct{ URL string }
	Author      struct{ RecordID, RecordTitle string }
}

func (w *rightsWorld) wantMessage(a asker, m *chatMessage) seenMessage {
	want := seenMessage{ID: strconv.Itoa(m.id), Text: m.text, Deleted: m.deleted, Mention: []string{}, Attachments: []struct{ URL string }{}}
	for _, card := range m.mentions {
		want.Mention = append(want.Mention, card.id())
	}
	if m.reply != nil {
		want.Reply = &struct{ ID, Text string }{strconv.Itoa(m.reply.id), m.reply.text}
	}
	if m.address != "" {
		want.Attachments = append(want.Attachments, struct{ URL string }{m.address})
	}
	want.Author.RecordID, want.Author.RecordTitle = m.by.card.id(), w.title(a.person, m.by.card)
	return want
}

// readChat reads a chat, or a page of it.
func (w *rightsWorld) readChat() {
	a, c := w.reader()
	r := w.someRecord(c)
	if m := w.someMessage(func(m *chatMessage) bool { return m.r.of == c && !m.r.removed }); m != nil && w.chance(80) {
		r = m.r
	}
	if r == nil {
		return
	}
	want := []seenMessage{}
	for _, m := range w.messages {
		if m.r == r {
			want = append(want, w.wantMessage(a, m))
		}
	}
	params := url.Values{}
	if w.chance(40) {
		offset, limit := w.rng.IntN(3), w.rng.IntN(4)
		params.Set("limit", strconv.Itoa(limit))
		params.Set("offset", strconv.Itoa(offset))
		end := max(len(want)-offset, 0)
		want = want[max(end-limit, 0):end]
	}
	got := w.read(a, r.chatPath(), params)
	if !w.opens(a, c, got) {
		return
	}
	if !w.readable(a, r) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	same(w, "a chat", parse[[]seenMessage](w.world, got), want)
}

// chatOptions lets somebody follow a chat, leave it, or note it as read.
func (w *rightsWorld) chatOptions() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	path := "/catalogs/" + c.key + "/records/" + r.id() + "/chatOptions/" + r.id()
	of := w.chat(a.card, r)
	type answered struct{ Subscribe bool }
	if w.chance(30) {
		got := w.read(a, path, nil)
		switch {
		case !w.opens(a, c, got):
		case !w.readable(a, r):
			w.refused(got, "forbidden")
		default:
			same(w, "a subscription", parse[answered](w.world, got), answered{of.subscribed})
		}
		return
	}
	send := map[string]any{}
	subscribe, read := of.subscribed, w.chance(50)
	if w.chance(60) {
		subscribe = w.chance(60)
		send["subscribe"] = subscribe
	}
	if read {
		send["read"] = true
	}
	got := w.write(a, http.MethodPatch, path, send, func(answer) {
		of.subscribed = subscribe
		for _, m := range w.messages {
			if read && m.r == r {
				of.read = max(of.read, m.id)
			}
		}
	})
	if !w.mayChat(a, r) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	same(w, "a subscription", parse[answered](w.world, got), answered{subscribe})
}

// readAttachment asks for a file of a message, which those have who may view the
// record, and of a deleted message its author only.
func (w *rightsWorld) readAttachment() {
	m := w.someMessage(func(m *chatMessage) bool { return m.file != 0 })
	if m == nil {
		return
	}
	a := w.asker()
	got := w.read(a, "/files/"+strconv.FormatInt(m.file, 10), nil)
	switch {
	case m.deleted && a.person != m.by:
		w.refused(got, "forbidden")
	case m.deleted:
	case m.r.removed:
		w.refused(got, "not_found")
	case !w.sees(a, m.r.of) || !w.readable(a, m.r):
		w.refused(got, "forbidden")
	case got.status != http.StatusFound:
		w.fail("status %d instead of a redirection: %s", got.status, got.body)
	}
}
