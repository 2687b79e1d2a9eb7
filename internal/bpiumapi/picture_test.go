package bpiumapi_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"kartoteka/internal/bpiumapi"
)

// drawing asks for a picture in a language.
func (s *site) drawing(t *testing.T, path, language string) answer {
	t.Helper()
	r := s.request(t, "GET", "/api/v1"+path, "")
	r.SetBasicAuth(login, password)
	r.Header.Set("Accept-Language", language)
	return s.send(t, r)
}

// textsOf are the texts of an SVG.
func textsOf(t *testing.T, a answer) []string {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var doc struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
		Text    []string `xml:"text"`
	}
	check(t, xml.Unmarshal([]byte(a.body), &doc))
	return doc.Text
}

// TestWidgetPictures: a picture says what the values are, in the caller's words.
func TestWidgetPictures(t *testing.T) {
	const nb = "\u00a0"
	cases := []struct{ ask, language, want string }{
		{"chartType=table; axis=field 5", "en", "Number of records — S|S|Number of records|x|1|y|2|no value|1"},
		{"chartType=table; axis=field 5; name=Title", "uk", "Title|S|Кількість записів|x|1|y|2|без значення|1"},
		{"chartType=table; axis=field 5; name=T; value=field 2", "ru", "T|S|N: сумма|x|1,5|y|1,5|без значения|—"},
		{"chartType=table; axis=field 5; name=T; value=field 2; valueFn=max", "en", "T|S|N: greatest|x|1.5|y|2.5|no value|—"},
		{"chartType=table; axis=field 5; name=T; split=field 6", "en", "T|S|p|q|no value|x|1|1|0|y|0|1|1|no value|0|0|1"},
		{"chartType=table; axis=field 9; name=T", "uk", "T|W|Кількість записів|Ні|3|Так|1"},
		{"chartType=table; axis=field 10; name=T", "en", "T|U|Number of records|Anna|1|no value|3"},
		{"chartType=table; axis=field 12; name=T; sort=axis", "en", "T|L|Number of records|Ä|1|b|2|no value|2"},
		{"chartType=table; axis=field 7; name=T", "en", "T|P|Number of records|0–9" + nb + "%|1|10–19" + nb + "%|1|100" + nb + "%|1|no value|1"},
		{"chartType=table; axis=field 2; name=T", "uk", "T|N|Кількість записів|−1|1|1,5|1|2,5|1|без значення|1"},
		{"chartType=table; axis=field 4 month; name=T; timezoneOffset=180", "en", "T|DT|Number of records|Feb 2031|1|Feb 1965|1|no value|2"},
		{"chartType=table; axis=createdTime - day; name=T", "ru", "T|Время создания|Количество записей|4" + nb + "мар. 2026|4"},
		{"chartType=table; name=T", "en", "T||Number of records|All records|4"},
		{"chartType=table; axis=field 1; name=T; limit=1", "en", "T|T|Number of records|Ä|2|and 2 more"},
		{"chartType=number; axis=field 6; name=T", "en", "T|4"},
		{"chartType=number; value=field 2; valueFn=avg", "uk", "N: середнє|1"},
		{"chartType=pie; axis=field 5; split=field 6; name=T", "en", "T|x|1|25.0" + nb + "%|y|2|50.0" + nb + "%|no value|1|25.0" + nb + "%"},
		{"chartType=columns; axis=field 3 month; name=T", "en", "T|0|1|2|Feb 2031|Mar 2031|no value|1|1|2"},
		{"chartType=columns; axis=field 3 week; name=T", "en", "T|0|1|2|3–9" + nb + "Feb 2031|10–16" + nb + "Feb 2031|17–23" + nb + "Feb 2031|24" + nb + "Feb – 2" + nb + "Mar 2031|3–9" + nb + "Mar 2031|no value|1|0|0|0|1|2"},
		{"chartType=columns; axis=field 4 day; name=T; timezoneOffset=180", "uk", "T|0|1|2|4" + nb + "лют. 1965|4" + nb + "лют. 2031|без значення|1|1|2"},
		{"chartType=lines; axis=field 3 month; name=T", "ru", "T|0|1|2|февр. 2031|март 2031|без значения"},
		{"chartType=bars; axis=field 3 week; name=T", "en", "T|3–9" + nb + "Mar 2031|3–9" + nb + "Feb 2031|no value|0|1|2|1|1|2"},
		{"axis=field 1; name=T; recordsFilter={\"id\":[]}", "uk", "T|Немає даних"},
	}
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		board := idOf(t, s.must(t, "POST", "/boards", `{"catalogId":"`+id+`"}`))
		for _, c := range cases {
			got := textsOf(t, s.drawing(t, "/boards/"+board+"/widgets/new/image.svg"+asked(c.ask), c.language))
			got = slices.DeleteFunc(got, func(s string) bool { return s == "" })
			if want := strings.ReplaceAll(c.want, "||", "|"); strings.Join(got, "|") != want {
				t.Errorf("%s in %s: %s, want %s", c.ask, c.language, strings.Join(got, "|"), want)
			}
		}
	})
}

// TestStoredWidgetPicture: what is stored is drawn, and parameters replace it.
func TestStoredWidgetPicture(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		s.must(t, "PATCH", "/catalogs/"+id, `{"fields":[{"id":"1"},{"id":"2","config":{"unit":"€"}},{"id":"5","config":{"items":[
			{"id":"1","name":"</text><script>alert(1)</script>","color":"12ab34"},{"id":"2","name":"'\"&<!--"}]}}]}`)
		board := idOf(t, s.must(t, "POST", "/boards", `{"catalogId":"`+id+`"}`))
		one := "/boards/" + board + "/widgets/" + idOf(t, s.must(t, "POST", "/boards/"+board+"/widgets",
			`{"name":"<b>By state</b>","chartType":"bars","axis":{"type":"field","value":"5"},"value":{"type":"field","value":"2"},"multicolor":true,"recordsFilter":{"filters":{"5":["1","2"]}}}`))
		a := s.drawing(t, one+"/image.svg", "en")
		got := textsOf(t, a)
		for _, want := range []string{"<b>By state</b>", "</text><script>alert(1)</script>", `'"&<!--`, "1.5"} {
			if !slices.Contains(got, want) {
				t.Errorf("there is no %q in %q", want, got)
			}
		}
		if strings.Contains(a.body, "<script") || !strings.Contains(a.body, `fill="#12ab34"`) || !strings.Contains(a.body, `width="800" height="450"`) {
			t.Errorf("as it is stored: %s", a.body)
		}
		a = s.drawing(t, one+"/image.svg?theme=dark&width=300&height=200&chartType=table&multicolor=false&recordsFilter[filters][5][0]=2", "en")
		if got := textsOf(t, a); slices.Contains(got, "</text><script>alert(1)</script>") || !slices.Contains(got, "1.5\u00a0€") ||
			!strings.Contains(a.body, `width="300" height="200"`) {
			t.Errorf("replaced by parameters: %s", a.body)
		}
	})
}

// TestPictureHeaders: a browser shows a picture and runs nothing in it.
func TestPictureHeaders(t *testing.T) {
	s := newWalk(t, nil)
	for _, c := range []struct{ name, kind string }{{"image.svg", "image/svg+xml"}, {"image.png", "image/png"}} {
		a := s.do(t, "GET", "/boards/2/widgets/1/"+c.name+"?width=321&height=123", "")
		for name, want := range map[string]string{
			"Content-Type": c.kind, "Content-Length": fmt.Sprint(len(a.body)), "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache",
			"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
		} {
			if got := a.header.Get(name); a.status != http.StatusOK || got != want && (name != "Content-Length" || got != "") {
				t.Errorf("%s: %d %s is %q, want %q", c.name, a.status, name, got, want)
			}
		}
		if vary := strings.Join(a.header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Language") {
			t.Errorf("%s: Vary is %q", c.name, vary)
		}
		if c.name == "image.png" {
			size, err := png.DecodeConfig(strings.NewReader(a.body))
			check(t, err)
			if size.Width != 321 || size.Height != 123 {
				t.Errorf("%d x %d", size.Width, size.Height)
			}
		}
	}
}

// TestPicturesRefuse: as values do, whatever else is wrong.
func TestPicturesRefuse(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		s.furnishWalk(t)
		for _, c := range []struct {
			path   string
			status int
			part   string
		}{
			{"1/image.svg?theme=blue", 400, "theme"}, {"1/image.svg?theme[]=dark", 400, "theme"}, {"1/image.png?width=119", 400, "width"},
			{"1/image.png?width=2001", 400, "width"}, {"1/image.svg?height=x", 400, "height"}, {"1/image.svg?height=99999999999999999999", 400, "height"},
			{"1/image.svg?chartType=cake", 400, "chartType"}, {"1/image.svg?stacked=perhaps", 400, "stacked"}, {"1/image.svg?multicolor=x", 400, "multicolor"},
			{"1/image.svg?name[a]=x", 400, "name"}, {"1/image.svg?timezoneOffset=900", 400, "timezoneOffset"}, {"1/image.svg?limit=x", 400, "limit"},
			{"1/image.svg?axis[type]=field&axis[value]=99", 400, "axis[value]"}, {"new/image.png?valueFn=median", 400, "valueFn"},
			{"99/image.svg?theme=blue", 404, ""}, {"x/image.png", 404, ""}, {"1/image.gif", 404, ""}, {"1/image", 404, ""},
		} {
			a := s.do(t, "GET", "/boards/2/widgets/"+c.path, "")
			if f := a.failed(t); a.status != c.status || !strings.Contains(f.Message, c.part) {
				t.Errorf("%s: %d %s", c.path, a.status, a.body)
			}
			if kind := a.header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
				t.Errorf("%s: the error is %s", c.path, kind)
			}
		}
		if a := s.do(t, "POST", "/boards/2/widgets/1/image.svg", "{}"); a.status != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", a.status)
		}
	})
}

// TestManyPictures: more than are drawn at once wait for each other, and nobody
// waits for a client that left.
func TestManyPictures(t *testing.T) {
	s := newWalk(t, nil)
	var all sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			if a := s.do(t, "GET", "/boards/2/widgets/1/image.png", ""); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if err := bpiumapi.New(bpiumapi.Options{}).DrawWhileBusy(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it was drawn while others are: %v", err)
	}
}

// TestPicturesObeyRights: wherever the story of rights asks for values or totals,
// a picture is refused with the same words, or shows the same numbers.
func TestPicturesObeyRights(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		shown, refused := 0, 0
		for _, st := range widgetRightsStory {
			plain := s.perform(t, st)
			path, params, _ := strings.Cut(st.path, "?")
			kind := ""
			switch {
			case strings.HasSuffix(path, "/values"):
				kind = "table"
			case strings.HasSuffix(path, "/totals"):
				kind = "number"
			}
			if kind == "" || !strings.HasPrefix(path, "/boards/") {
				continue
			}
			st.path = path[:strings.LastIndex(path, "/")] + "/image.svg?width=2000&height=2000&chartType=" + kind + "&" + params
			drawn := s.perform(t, st)
			if plain.status != http.StatusOK {
				refused++
				if a, b := plain.failed(t), drawn.failed(t); drawn.status != plain.status || a.Code != b.Code || a.Message != b.Message {
					t.Errorf("%s: %d %s, want %d %s", st.name, drawn.status, drawn.body, plain.status, plain.body)
				}
				continue
			}
			shown++
			if got, want := numbersOf(t, kind, textsOf(t, drawn), plain.body), numbersIn(t, kind, plain.body); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", st.name, got, want)
			}
		}
		if shown < 10 || refused < 4 {
			t.Errorf("%d were shown and %d refused: that tells little", shown, refused)
		}
	})
}

// numbersIn are the values of a breakdown without a split, or the sum of totals.
func numbersIn(t *testing.T, kind, body string) (list []string) {
	t.Helper()
	if kind == "number" {
		var totals []struct{ Value json.RawMessage }
		check(t, json.Unmarshal([]byte(body), &totals))
		return []string{string(totals[0].Value)}
	}
	var groups []struct {
		Values []struct{ Value json.RawMessage }
	}
	check(t, json.Unmarshal([]byte(body), &groups))
	for _, g := range groups {
		list = append(list, string(g.Values[0].Value))
	}
	return list
}

// numbersOf are those of a picture: behind the names in the rows of a table.
func numbersOf(t *testing.T, kind string, texts []string, body string) (list []string) {
	t.Helper()
	n := len(numbersIn(t, kind, body))
	if kind == "number" {
		return texts[len(texts)-1:]
	}
	if n == 0 {
		return nil
	}
	for i := len(texts) - 2*n + 1; i < len(texts); i += 2 {
		list = append(list, texts[i])
	}
	return list
}
