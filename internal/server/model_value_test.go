package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is a value as a client sends it, and what becomes of it.
type sample struct {
	send any
	want any  // the model's value, nil when empty
	bad  bool // to be refused
}

// words are written in several alphabets, with twins that a search must find.
var words = []string{
	"acme", "ACME", "Straße", "STRASSE", "İstanbul", "ISTANBUL", "ışık", "Ärger", "ärger", "Ελλάς", "ΕΛΛΆΣ", "Москва", "МОСКВА",
	"ёлка", "100%", "a_b", `c\d`, "O'Brien", `"quoted"`, "ﬁn", "Œuvre", "naïve", "e\u0301clair", "東京", "🙂", "x", "10", "9", "żółw",
	"Ǆ", "ſ", "K", "null", "$empty!", "<b>", "&amp;",
}

// plainWords can stand in rich text as they are.
var plainWords = []string{"acme", "Straße", "Москва", "ΕΛΛΆΣ", "Ärger", "10"}

func (w *world) phrase(from []string, most int) string {
	list := make([]string, 1+w.rng.IntN(most))
	for i := range list {
		list[i] = pick(w.rng, from...)
	}
	return strings.Join(list, " ")
}

// sample is a random value for a field; r is the record that is changed, nil
// for a new one.
func (w *world) sample(f *field, r *record) sample {
	if w.chance(10) {
		return sample{send: pick[any](w.rng, nil, emptyOf(f))}
	}
	if f.valued() && w.chance(4) {
		return sample{send: w.wrong(f), bad: true}
	}
	switch f.typ {
	case "text":
		return w.text(f)
	case "number", "progress", "stars":
		return w.number(f)
	case "date":
		st := w.stamp()
		return sample{send: st.text(), want: st.stored(f, w.tz)}
	case "dropdown", "checkboxes", "radiobutton":
		return w.choice(f)
	case "switch":
		if w.chance(50) {
			return sample{send: pick[any](w.rng, true, "true", 1, "1"), want: true}
		}
		return sample{send: pick[any](w.rng, false, "false", 0)}
	case "contact":
		return w.contacts()
	case "address":
		return w.address()
	case "file":
		return w.files(f, r)
	}
	return sample{send: "x"} // a group or button: ignored
}

// emptyOf is another way to send no value.
func emptyOf(f *field) any {
	switch f.typ {
	case "dropdown", "checkboxes", "contact", "user", "object", "file", "radiobutton":
		return []any{}
	case "switch":
		return false
	}
	return ""
}

// wrong is a value that no field of the type takes.
func (w *world) wrong(f *field) any {
	switch f.typ {
	case "text":
		if f.kind == "mask" {
			return "qw-12"
		}
		return pick[any](w.rng, []any{1, 2}, map[string]any{"a": 1}, "nul\x00")
	case "number", "progress", "stars":
		return pick[any](w.rng, "seven", true, []any{1}, "1e999", "0x10")
	case "date":
		return pick[any](w.rng, "yesterday", "2026-02-30", "2026-13-01", "10000-01-01", "0000-01-01", true, "2026-01-01T25:00:00Z")
	case "switch":
		return pick[any](w.rng, "maybe", 2, []any{true, false})
	case "dropdown", "checkboxes", "radiobutton":
		return pick[any](w.rng, []any{"nowhere"}, map[string]any{"x": 1}, true)
	case "user":
		return pick[any](w.rng, []any{"99999"}, []any{map[string]any{"title": "x"}}, true)
	case "object":
		return pick[any](w.rng, []any{map[string]any{"catalogId": "nowhere", "recordId": "1"}}, true)
	case "contact":
		return pick[any](w.rng, []any{map[string]any{"comment": "x"}}, []any{true})
	case "address":
		return pick[any](w.rng, 17, []any{"x"}, map[string]any{"value": true})
	}
	return pick[any](w.rng, []any{map[string]any{"src": "ftp://example.com/a"}}, []any{map[string]any{"id": 999999}}, true)
}

func (w *world) text(f *field) sample {
	switch f.kind {
	case "mask":
		s := pick(w.rng, "QW-123", "ЖЯ-001", "ZZ-999")
		return sample{send: s, want: s}
	case "editor":
		s := w.phrase(plainWords, 3)
		html := "<p>" + s + "</p>"
		return sample{send: pick(w.rng, html, html, html+"<script>alert(1)</script>"), want: html}
	}
	s := w.phrase(words, 3)
	switch w.rng.IntN(30) {
	case 0:
		return sample{send: 17.5, want: "17.5"}
	case 1:
		s = strings.Repeat("same beginning ", 6) + s
	case 2:
		s = strings.Repeat("ы", 256)
		if f.kind != "multiline" && w.chance(50) {
			return sample{send: s + "ы", bad: true}
		}
	case 3:
		s = "first line\nsecond " + s
		if f.kind != "multiline" {
			return sample{send: s, want: strings.ReplaceAll(s, "\n", " ")}
		}
	case 4:
		s = "  "
	}
	return sample{send: s, want: s}
}

func (w *world) number(f *field) sample {
	n := pick(w.rng, 0, 1, -1, 1.5, 0.1, 0.1+0.2, 1e15, -2.25, 12345.678, 100, 1e-7, 3, 4, 5, 1.0/3, 1e300, float64(w.rng.IntN(100)))
	low, high := f.min, f.max
	zero, hundred, five := 0.0, 100.0, 5.0
	switch f.typ {
	case "progress":
		low, high = &zero, &hundred
	case "stars":
		low, high = &zero, &five
	}
	s := sample{send: n, want: rounded(n)}
	if w.chance(20) {
		s.send = strconv.FormatFloat(n, 'f', -1, 64)
	}
	if low != nil && (n < *low || n > *high) || f.typ == "stars" && n != float64(int(n)) {
		if w.chance(80) {
			return sample{send: 3, want: 3.0}
		}
		s.bad = true
	}
	return s
}

func (w *world) choice(f *field) sample {
	if len(f.items) == 0 {
		return sample{send: []any{}}
	}
	most := 1
	if f.multi || f.typ == "checkboxes" {
		most = len(f.items)
	}
	var send []any
	var numbers []int
	for range 1 + w.rng.IntN(most) {
		i := pick(w.rng, f.items...)
		send = append(send, i.key)
		if !slices.Contains(numbers, i.num) {
			numbers = append(numbers, i.num)
		}
	}
	s := sample{send: send, want: numbers}
	switch {
	case most == 1 && w.chance(50):
		s.send = send[0]
	case most == 1 && len(f.items) > 1 && w.chance(5):
		s = sample{send: []any{f.items[0].key, f.items[1].key}, bad: true}
	}
	return s
}

var phones = []string{"+7 (900) 123-45-67", "8 900 123 45 67", "+1 555 0100", "op@acme.example", "https://acme.example", "Ärger"}

func (w *world) contacts() sample {
	var send []any
	var want []contact
	for i := range 1 + w.rng.IntN(3) {
		c := contact{id: strconv.Itoa(i + 1), contact: pick(w.rng, phones...), comment: pick(w.rng, "", "desk", "Дом")}
		want = append(want, c)
		if c.comment == "" && w.chance(50) {
			send = append(send, c.contact)
			continue
		}
		send = append(send, map[string]any{"contact": c.contact, "comment": c.comment})
	}
	if w.chance(10) {
		send = append(send, map[string]any{"contact": "", "comment": "dropped"})
	}
	return sample{send: send, want: want}
}

func (w *world) address() sample {
	s := w.phrase(words, 2)
	if w.chance(40) {
		return sample{send: s, want: address{value: s}}
	}
	data := map[string]any{"zip": "01001", "geo": []any{50.5, 30.25}, "ü": nil}
	return sample{
		send: map[string]any{"value": s, "provider": "dadata", "data": data},
		want: address{value: s, provider: "dadata", data: data},
	}
}

func (w *world) files(f *field, r *record) sample {
	most := 1
	if f.multi {
		most = 3
	}
	var send []any
	var want []file
	if r != nil {
		if old, _ := r.values[f].([]file); len(old) > 0 && w.chance(60) {
			kept := old[0]
			entry := map[string]any{"id": kept.id}
			if w.chance(50) {
				kept.title = "renamed.txt"
				entry["title"] = kept.title
			}
			send, want = append(send, entry), append(want, kept)
		}
	}
	for range 1 + w.rng.IntN(most) {
		if len(want) == most {
			break
		}
		e := file{title: pick(w.rng, "a.png", "план.pdf"), url: "https://files.example/" + strconv.Itoa(w.rng.IntN(9)), mime: "image/png", size: w.rng.IntN(5000)}
		entry := map[string]any{"title": e.title, "size": e.size, "mimeType": e.mime}
		entry[pick(w.rng, "src", "url")] = e.url
		send, want = append(send, entry), append(want, e)
	}
	return sample{send: send, want: want}
}

// stamp is a date as somebody writes it.
type stamp struct {
	wall   time.Time // in UTC, but the clock of the zone
	timed  bool
	zone   string // "", "Z" or an offset
	offset int    // minutes of the zone
}

// stamp is a random date, most often near the present.
func (w *world) stamp() stamp {
	at := w.clock.Now().Add(time.Duration(w.rng.IntN(2*900*24)-900*24) * time.Hour).Add(time.Duration(w.rng.IntN(3_600_000)) * time.Millisecond)
	switch w.rng.IntN(15) {
	case 0:
		at = time.Date(1, 1, 3, 4, 5, 6, 0, time.UTC)
	case 1:
		at = time.Date(9999, 12, 30, 23, 0, 0, 0, time.UTC)
	case 2, 3, 4:
		at = w.clock.Now().Truncate(time.Hour)
	}
	st := stamp{wall: at, timed: w.chance(60)}
	if !st.timed {
		st.wall = day(at)
		return st
	}
	switch w.rng.IntN(4) {
	case 0:
		st.zone = "Z"
	case 1:
		st.offset = pick(w.rng, 240, -330, 0)
		sign, minutes := "+", st.offset
		if minutes < 0 {
			sign, minutes = "-", -minutes
		}
		st.zone = fmt.Sprintf("%s%02d:%02d", sign, minutes/60, minutes%60)
	}
	return st
}

func day(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

func (st stamp) text() string {
	if !st.timed {
		return st.wall.Format("2006-01-02")
	}
	return st.wall.Format("2006-01-02T15:04:05.000") + st.zone
}

// stored is what a date field keeps of it.
func (st stamp) stored(f *field, tz int) int64 {
	return snapped(f, st.unsnapped(f, tz))
}

func (st stamp) unsnapped(f *field, tz int) time.Time {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	switch {
	case f.kind == "datetime" && st.zone == "":
		return st.wall.Add(-minutes(tz))
	case f.kind == "datetime":
		return st.wall.Add(-minutes(st.offset))
	case st.zone == "Z":
		return day(st.wall.Add(minutes(tz)))
	}
	return day(st.wall)
}

// snapped is the first day of what the field counts.
func snapped(f *field, at time.Time) int64 {
	switch f.kind {
	case "week":
		for at.Weekday() != time.Monday {
			at = at.AddDate(0, 0, -1)
		}
	case "month":
		at = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "quarter":
		at = time.Date(at.Year(), (at.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	case "year":
		at = time.Date(at.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at.UnixMilli()
}
