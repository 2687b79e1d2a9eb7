package bpium

import (
	"math"
	"regexp"
	"slices"
	"strconv"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

const (
	// messagesLimit is how many messages are given unless a limit is.
	messagesLimit = 1000

	employeesKey = "$users"
	messagesKey  = "$messages"
)

// DecodeMessages reads the parameters of a list of messages. A limit above the
// maximum is the service's to refuse.
func DecodeMessages(p Params) (limit, offset int, err error) {
	if limit, err = p.Limit(messagesLimit); err != nil {
		return 0, 0, err
	}
	offset, err = p.Int("offset", 0, 0, math.MaxInt32)
	return limit, offset, err
}

// MessageID reads the id of a message; 0 for what cannot be one.
func MessageID(id string) int64 { return numberID(id) }

// numberID reads an id that is always a number; 0 for what cannot be one.
func numberID(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != id {
		return 0
	}
	return n
}

// DecodeMessage reads the body of a new or changed message. It fails with
// fault.InvalidJSON or ValidationFailed; whom and what it names is for the service
// to find.
func DecodeMessage(v tree.Value) (in catalog.MessageInput, err error) {
	b, err := newBody(v)
	if err != nil {
		return in, err
	}
	if in.Text = b.textOrNull("text"); in.Text != nil {
		if text.Len(*in.Text) > maxComment {
			b.refuse("text", fault.TooLong, "a message has at most %d characters", maxComment)
		} else {
			in.InText = markedUp(*in.Text)
		}
	}
	if mentions, ok := v.Get("mentions"); ok {
		in.Mentions = b.mentions(mentions)
	}
	if reply, ok := v.Get("replyMessageId"); ok {
		in.Reply = b.reply(reply)
	}
	if files, ok := v.Get("attachments"); ok {
		in.Attachments = b.attachments(files)
	}
	return in, b.err()
}

// mentions reads employees: ids, {id} or {catalogId, recordId}.
func (b body) mentions(v tree.Value) *[]query.Key {
	list := oneOrMany(v)
	keys := make([]query.Key, 0, len(list))
	for i, e := range list {
		key, ok := mentionOf(e)
		if !ok {
			b.refuse("mentions["+strconv.Itoa(i)+"]", fault.Type, "expected the id of an employee")
			continue
		}
		keys = append(keys, key)
	}
	return &keys
}

func mentionOf(e tree.Value) (query.Key, bool) {
	if e.Kind == tree.Object {
		of, named := e.Get("catalogId")
		id, ok := e.Get("id")
		if !ok {
			id, _ = e.Get("recordId")
		}
		if c, ok := IDText(of); named && (!ok || CatalogKey(c) != employeesKey) {
			return query.Key{}, false
		}
		e = id
	}
	id, ok := IDText(e)
	return RecordKey(id), ok
}

// markup is how a text mentions a record: <@{catalogId}:{recordId};{label}/@>.
var markup = regexp.MustCompile(`(?s)<@([^:;<>\s]{1,100}):([^:;<>\s]{1,100});.*?/@>`)

// markedUp are the employees that a text mentions, each once.
func markedUp(s string) (keys []query.Key) {
	for _, found := range markup.FindAllStringSubmatch(s, -1) {
		key := RecordKey(found[2])
		if CatalogKey(found[1]) == employeesKey && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// reply reads the id of a quoted message; 0 for none.
func (b body) reply(v tree.Value) *int64 {
	if blank(v) {
		return new(int64)
	}
	id, ok := IDText(v)
	n := MessageID(id)
	if !ok || n == 0 {
		b.refuse("replyMessageId", fault.Type, "expected the id of a message")
		return nil
	}
	return &n
}

// attached stands for the field that the files of a message are not in.
var attached = &catalog.Field{Key: "attachments", Name: "Attachments"}

func (b body) attachments(v tree.Value) *catalog.Files {
	files := catalog.Files{}
	switch v := filesValue(attached, v).(type) {
	case catalog.Bad:
		*b.details = append(*b.details, v.Detail)
		return nil
	case catalog.Files:
		files = v
	}
	return &files
}

// ChatOptions are what somebody sets of a chat for himself; nil leaves it.
type ChatOptions struct {
	Subscribe *bool
	Read      bool
}

// DecodeChatOptions reads the body of chatOptions. It fails with fault.InvalidJSON
// or ValidationFailed.
func DecodeChatOptions(v tree.Value) (o ChatOptions, err error) {
	b, err := newBody(v)
	if err != nil {
		return o, err
	}
	o.Subscribe, o.Read = b.yes("subscribe"), b.is("read")
	return o, b.err()
}

// EncodeMessages adds a page of a chat as JSON.
func EncodeMessages(dst []byte, page *catalog.MessagesPage, files *catalog.FileLinks) []byte {
	e := messageEncoder{writer: writer{b: dst}, page: page, files: files}
	e.open('[')
	for _, m := range page.Messages {
		e.message(m, true)
	}
	e.end(']')
	return e.b
}

type messageEncoder struct {
	writer
	page  *catalog.MessagesPage
	files *catalog.FileLinks
}

// message writes a message, one that others quote without what it quotes itself.
func (e *messageEncoder) message(m *catalog.Message, whole bool) {
	e.open('{')
	e.str("id", strconv.FormatInt(m.ID, 10))
	e.str("catalogId", messagesKey)
	e.str("text", m.Text)
	e.time("createdDate", m.Created)
	e.time("updatedDate", m.Updated)
	e.yes("deleted", m.Deleted != 0)
	e.time("deletedDate", m.Deleted)
	e.key("mention")
	e.open('[')
	for _, n := range m.Mentioned() {
		e.employee(n)
	}
	e.end(']')
	if whole {
		e.key("reply")
		if quoted := e.page.Quoted[m.Reply]; quoted != nil {
			e.message(quoted, false)
		} else {
			e.raw("null")
		}
	}
	e.key("attachments")
	e.open('[')
	for i := range m.Attachments {
		f := &m.Attachments[i]
		e.next()
		e.b = appendFile(e.b, f, e.files, func(name string) string { return address(e.files, f.ID, blob.Beside(f.URL, name)) })
	}
	e.end(']')
	e.key("author")
	e.author(m.Author)
	e.end('}')
}

// time writes Unix milliseconds, 0 as null.
func (e *messageEncoder) time(name string, ms int64) {
	e.key(name)
	if ms == 0 {
		e.raw("null")
		return
	}
	e.next()
	e.b = appendTime(e.b, ms)
}

// employee writes an employee's public id.
func (e *messageEncoder) employee(n query.Record) catalog.Title {
	title := titleOfRef(e.page.Titles, query.MakeRef(catalog.Employees, n))
	e.next()
	e.b = appendRecordID(e.b, title.Code, n)
	return title
}

func (e *messageEncoder) author(n query.Record) {
	c := e.page.Structure.Catalog(catalog.Employees)
	e.open('{')
	e.str("sectionId", sectionKey(e.page.Structure, c))
	e.number("sectionDbId", int64(c.Section))
	e.number("catalogDbId", int64(c.Num))
	e.str("catalogId", c.Key)
	e.str("catalogTitle", c.Name)
	e.str("catalogIcon", c.Icon)
	title := catalog.Title{Text: "System"}
	if n == 0 {
		e.json("recordDbId", "null")
		e.json("recordId", "null")
	} else {
		e.number("recordDbId", int64(n))
		e.key("recordId")
		title = e.employee(n)
	}
	e.str("recordTitle", title.Text)
	e.yes("isRemoved", title.Removed)
	e.end('}')
}
