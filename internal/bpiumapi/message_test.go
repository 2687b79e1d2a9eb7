package bpiumapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

const (
	chatOf1   = record + "/messages"
	optionsOf = record + "/chatOptions/"
)

var messageStory = []step{
	{"vendors", "POST", "/catalogs", `{"name":"Vendors","sectionId":"3","fields":[{"name":"Name","type":"text"}]}`},
	{"orders", "POST", "/catalogs", everyField},
	{"a record", "POST", records, `{"values":{"2":"First order"}}`},
	{"another employee", "POST", "/catalogs/$users/records", `{"id":"zoe","values":{"$name":"Zoe"}}`},
	{"none yet", "GET", chatOf1 + "/", "{}"},
	{"not subscribed", "GET", optionsOf + "1", ""},
	{"post", "POST", chatOf1 + "/", `{"text":"Checked <@$users:1;Anna/@>, <@3:zoe;Zoe/@> and <@25:1;Acme/@>","mentions":[1,{"id":"1"},{"catalogId":3,"recordId":"2"}]}`},
	{"post an attachment", "POST", chatOf1, `{"text":null,"attachments":[{"title":"Plan","url":"https://files.example/plan.png"}],"replyMessageId":1}`},
	{"list", "GET", chatOf1, ""},
	{"the newest", "GET", chatOf1 + "?limit=1", ""},
	{"the one before", "GET", chatOf1 + "?limit=1&offset=1", ""},
	{"subscribed by writing", "GET", optionsOf + "1", ""},
	{"counters", "GET", record + "?fields=[]", ""},
	{"counters of a list", "GET", records + "?fields=[]", ""},
	{"new messages", "GET", records + "?fields=[]&newMessages=true&withTotal=true", ""},
	{"edit", "PATCH", chatOf1 + "/1", `{"text":"Checked twice","mentions":[]}`},
	{"edit nothing", "PATCH", chatOf1 + "/2", ``},
	{"delete", "DELETE", chatOf1 + "/2", "{}"},
	{"delete again", "DELETE", chatOf1 + "/2", ""},
	{"list after", "GET", chatOf1, ""},
	{"the feed", "GET", "/histories?catalogId=26&recordId=1&actionType=COMMENT", ""},
	{"unsubscribe", "PATCH", optionsOf + "1/", `{"subscribe":false,"read":true}`},
	{"only read", "PATCH", optionsOf + "1", `{"read":true}`},
	{"another record's options", "PATCH", optionsOf + "2", `{"subscribe":true}`},
	{"another record's options, read", "GET", optionsOf + "2", ""},
	{"no such message", "PATCH", chatOf1 + "/99", `{"text":"x"}`},
	{"no id of a message", "DELETE", chatOf1 + "/x", ``},
	{"no such record", "GET", "/catalogs/26/records/99/messages", ""},
	{"put", "PUT", chatOf1, "{}"},
	{"the stream", "GET", "/messages/stream", ""},
	{"the mirror", "GET", "/catalogs/$messages/records?skipPrevId=true", ""},
	{"the mirror is not written", "POST", "/catalogs/$messages/records", `{"values":{"$name":"x"}}`},
	{"delete the record", "DELETE", record, ""},
	{"its chat", "GET", chatOf1, ""},
}

// message makes a case of a message that is refused.
func message(name, body string, names ...string) badCase {
	return badCase{name, "POST", chatOf1, body, 400, "validation_failed", names}
}

var badMessages = []badCase{
	message("nothing", `{}`, "text"), message("blanks", `{"text":" \n"}`, "text"), message("a long text", `{"text":"`+long+`x"}`, "text"),
	message("a list as a text", `{"text":["a"]}`, "text"),
	message("an unknown employee", `{"text":"a","mentions":["99"]}`, "mentions"), message("no id", `{"text":"a","mentions":[[]]}`, "mentions[0]"),
	message("a record of another catalog", `{"text":"a","mentions":[{"catalogId":"25","recordId":"1"}]}`, "mentions[0]"),
	message("an unknown one in the text", `{"text":"<@$users:99;X/@>"}`, "text"),
	message("an odd one in the text", `{"text":"<@%24users:'--;X/@>"}`, "text"),
	message("many", `{"text":"a","mentions":[`+strings.Repeat("1,", 100)+`1]}`, "mentions"),
	message("a reply to no id", `{"text":"a","replyMessageId":"x"}`, "replyMessageId"), message("a reply to nothing", `{"text":"a","replyMessageId":9}`, "replyMessageId"),
	message("no such file", `{"attachments":[{"id":99}]}`, "attachments"), message("no address", `{"attachments":[{"title":"x"}]}`, "attachments"),
	message("many files", `{"attachments":[`+strings.Repeat(`{"url":"https://x.example/a"},`, 100)+`{"url":"https://x.example/a"}]}`, "attachments"),
	message("all at once", `{"text":[],"mentions":[[]],"replyMessageId":"x","attachments":[{}]}`, "text", "mentions[0]", "replyMessageId", "attachments"),
	{"broken JSON", "POST", chatOf1, `{"text"`, 400, "invalid_json", nil}, {"a list", "POST", chatOf1, `[]`, 400, "invalid_json", nil},
	{"a limit of text", "GET", chatOf1 + "?limit=x", "", 400, "invalid_parameter", []string{"limit"}},
	{"a negative limit", "GET", chatOf1 + "?limit=-1", "", 400, "invalid_parameter", []string{"limit"}},
	{"a large limit", "GET", chatOf1 + "?limit=1001", "", 400, "limit_too_large", []string{"limit"}},
	{"a negative offset", "GET", chatOf1 + "?offset=-1", "", 400, "invalid_parameter", []string{"offset"}},
	{"options that are none", "PATCH", optionsOf + "1", `{"subscribe":"maybe"}`, 400, "validation_failed", []string{"subscribe"}},
	{"options of another record", "PATCH", optionsOf + "2", `{"subscribe":true}`, 400, "invalid_parameter", nil},
}

// TestMessageFiles: whoever may view the record reads what is attached to its chat.
func TestMessageFiles(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	f := s.uploadFile(t, "plan.txt", "", "content")
	s.must(t, "POST", chatOf1, fmt.Sprintf(`{"attachments":[{"id":%d}]}`, f.ID))
	var list []struct{ Attachments []confirmed }
	check(t, json.Unmarshal([]byte(s.must(t, "GET", chatOf1, "")), &list))
	got := list[0].Attachments[0]
	if got.ID != f.ID || got.Title != "plan.txt" || got.Size != 7 {
		t.Errorf("%+v", got)
	}
	if a := s.open(t, got.URL); a.status != 200 || a.body != "content" {
		t.Errorf("its link: %d %s", a.status, a.body)
	}
	a := s.do(t, "GET", fmt.Sprintf("/files/%d", f.ID), "")
	if a.status != 302 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.clock.advance(time.Minute)
	s.must(t, "DELETE", chatOf1+"/1", "")
	for _, link := range []string{got.URL, a.header.Get("Location")} {
		if a := s.open(t, link); a.status != 404 {
			t.Errorf("a link after the message was deleted: %d", a.status)
		}
	}
}

// TestMessageRightsComeFirst: who may not view the record, or is not the author,
// learns that before what is wrong with his request.
func TestMessageRightsComeFirst(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	s.must(t, "POST", chatOf1, `{"text":"one"}`)
	_, outside := s.newToken(t, `,"catalogs":["25"]`)
	for _, c := range []step{
		{"", "GET", chatOf1 + "?limit=x", ""}, {"", "POST", chatOf1, `{`}, {"", "PATCH", chatOf1 + "/1", `{`},
		{"", "GET", optionsOf + "2", ""}, {"", "PATCH", optionsOf + "1", `{`}, {"", "DELETE", chatOf1 + "/1", ""},
	} {
		if a := s.by(t, outside, c.method, c.path, c.body); a.status != 403 {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	for _, c := range []step{{"", "PATCH", chatOf1 + "/9", `{`}, {"", "POST", "/catalogs/26/records/99/messages", `{`}} {
		if a := s.do(t, c.method, c.path, c.body); a.status != 404 {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
}

// withMessages adds the routes of chats to the walk.
func withMessages(walk map[string]walked) map[string]walked {
	maps.Copy(walk, map[string]walked{
		"GET /catalogs/{catalog}/records/{record}/messages":              {chatOf1, "", 403, 200, 200, 403},
		"POST /catalogs/{catalog}/records/{record}/messages":             {chatOf1, `{"text":"x"}`, 403, 200, 403, 403},
		"PATCH /catalogs/{catalog}/records/{record}/messages/{message}":  {chatOf1 + "/1", `{"text":"y"}`, 403, 200, 403, 403},
		"DELETE /catalogs/{catalog}/records/{record}/messages/{message}": {chatOf1 + "/1", "", 403, 200, 403, 403},
		"GET /catalogs/{catalog}/records/{record}/chatOptions/{same}":    {optionsOf + "1", "", 403, 200, 200, 403},
		"PATCH /catalogs/{catalog}/records/{record}/chatOptions/{same}":  {optionsOf + "1", `{"read":true}`, 403, 200, 403, 403},
	})
	return walk
}
