package bpiumapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// reports is a catalog with some of every field that reports use. Its fields are
// 1 text, 2 number, 3 date, 4 datetime, 5 dropdown, 6 checkboxes, 7 progress,
// 8 stars, 9 switch, 10 employees, 11 rich text, 12 links to things, 13 files.
func reports(t *testing.T, s *site) (id string) {
	t.Helper()
	section := idOf(t, s.must(t, "POST", "/sections", `{"name":"S"}`))
	things := idOf(t, s.must(t, "POST", "/catalogs", `{"name":"Things","icon":"box-1","sectionId":"`+section+`","fields":[{"name":"T","type":"text"}]}`))
	for _, title := range []string{"b", "Ä"} {
		s.must(t, "POST", "/catalogs/"+things+"/records", `{"values":{"1":"`+title+`"}}`)
	}
	id = idOf(t, s.must(t, "POST", "/catalogs", `{"name":"Deals","icon":"box-1","sectionId":"`+section+`","fields":[
		{"name":"T","type":"text"},{"name":"N","type":"number"},{"name":"D","type":"date"},
		{"name":"DT","type":"date","config":{"mode":"datetime"}},
		{"name":"S","type":"dropdown","config":{"items":[{"name":"x"},{"name":"y"},{"name":"z"}]}},
		{"name":"M","type":"checkboxes","config":{"items":[{"name":"p"},{"name":"q"}]}},{"name":"P","type":"progress"},
		{"name":"R","type":"stars"},{"name":"W","type":"switch"},{"name":"U","type":"user","config":{"multiselect":true}},
		{"name":"E","type":"text","config":{"type":"editor"}},{"name":"L","type":"object","config":{"catalogs":[{"id":"`+things+`"}],"multiselect":true}},
		{"name":"F","type":"file"}]}`))
	for _, values := range []string{
		`{"1":"b","2":1.5,"3":"2031-02-03","4":"2031-02-03T22:30:00.000Z","5":["1"],"6":["1","2"],"7":15,"8":3,"9":true,"10":["1"]}`,
		`{"1":"Ä","2":2.5,"3":"2031-03-03","4":"1965-02-03T22:30:00.000Z","5":["2"],"6":["2"],"7":100,"8":3,"12":[{"catalogId":"` + things + `","recordId":"1"}]}`,
		`{"1":"Ä","2":-1,"5":["2"],"7":9.99,"12":[{"catalogId":"` + things + `","recordId":"1"},{"catalogId":"` + things + `","recordId":"2"}]}`,
		`{}`,
	} {
		s.must(t, "POST", "/catalogs/"+id+"/records", `{"values":`+values+`}`)
	}
	return id
}

// short writes a breakdown as axis=split:value,split:value; axis=...
func short(t *testing.T, body string) string {
	t.Helper()
	var groups []struct {
		Axis   json.RawMessage
		Values []struct {
			Split json.RawMessage
			Value json.RawMessage
		}
	}
	check(t, json.Unmarshal([]byte(body), &groups))
	var list []string
	for _, g := range groups {
		var values []string
		for _, v := range g.Values {
			text := string(v.Value)
			if v.Split != nil {
				text = string(v.Split) + ":" + text
			}
			values = append(values, text)
		}
		list = append(list, string(g.Axis)+"="+strings.Join(values, ","))
	}
	return strings.NewReplacer(`"`, "", ":00:00.000Z", "").Replace(strings.Join(list, "; "))
}

// asked turns "axis=field 5; valueFn=sum" into a query string.
func asked(text string) string {
	params := url.Values{}
	for part := range strings.SplitSeq(text, "; ") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		words := strings.Fields(value)
		if name != "axis" && name != "split" && name != "value" {
			params.Set(name, value)
			continue
		}
		for i, member := range []string{"type", "value", "subType"} {
			if i < len(words) && words[i] != "-" {
				params.Set(name+"["+member+"]", words[i])
			}
		}
	}
	return "?" + params.Encode()
}

func TestValues(t *testing.T) {
	cases := []struct{ ask, want string }{
		{"", "null=4"},
		{"axis=field 1", "Ä=2; b=1; null=1"},
		{"axis=field 1; sortType=desc", "b=1; Ä=2; null=1"},
		{"axis=field 1; sort=value", "Ä=2; b=1; null=1"},
		{"axis=field 1; sort=value; sortType=asc", "b=1; Ä=2; null=1"},
		{"axis=field 2", "-1=1; 1.5=1; 2.5=1; null=1"},
		{"axis=field 3", "2031-03-03T00=1; 2031-02-03T00=1; null=2"},
		{"axis=field 3 month; timezoneOffset=840", "2031-03-01T00=1; 2031-02-01T00=1; null=2"},
		{"axis=field 4", "2031-02-03T00=1; 1965-02-03T00=1; null=2"},
		{"axis=field 4; sortType=asc", "1965-02-03T00=1; 2031-02-03T00=1; null=2"},
		{"axis=field 4 hour; timezoneOffset=90", "2031-02-03T22:30:00.000Z=1; 1965-02-03T22:30:00.000Z=1; null=2"},
		{"axis=field 4 day; timezoneOffset=180", "2031-02-03T21=1; 1965-02-03T21=1; null=2"},
		{"axis=field 4 week; timezoneOffset=180", "2031-02-02T21=1; 1965-01-31T21=1; null=2"},
		{"axis=field 4 month; timezoneOffset=180", "2031-01-31T21=1; 1965-01-31T21=1; null=2"},
		{"axis=field 4 quarter", "2031-01-01T00=1; 1965-01-01T00=1; null=2"},
		{"axis=field 4 year; timezoneOffset=-60", "2031-01-01T01=1; 1965-01-01T01=1; null=2"},
		{"axis=field 4 hourOfDay; timezoneOffset=180", "1=2; null=2"},
		{"axis=field 4 dayOfWeek; timezoneOffset=180", "2=1; 4=1; null=2"},
		{"axis=field 4 dayOfMonth; timezoneOffset=180", "4=2; null=2"},
		{"axis=field 4 weekOfYear", "5=1; 6=1; null=2"},
		{"axis=field 4 monthOfYear", "2=2; null=2"},
		{"axis=field 4 quarterOfYear", "1=2; null=2"},
		{"axis=field 5", "1=1; 2=2; null=1"},
		{"axis=field 6", "1=1; 2=2; null=2"},
		{"axis=field 7", "0=1; 10=1; 100=1; null=1"},
		{"axis=field 8", "3=2; null=2"},
		{"axis=field 9", "false=3; true=1"},
		{"axis=field 10", "{id:1,title:Anna}=1; null=3"},
		{"axis=createdTime - month", "2026-03-01T00=4"},
		{"axis=field 5; value=field 2", "1=1.5; 2=1.5; null=null"},
		{"axis=field 5; value=field 2; valueFn=avg", "1=1.5; 2=0.75; null=null"},
		{"axis=field 6; value=field 2; valueFn=avgAll", "1=1.5; 2=2; null=-0.5"},
		{"axis=field 5; value=field 2; valueFn=max", "1=1.5; 2=2.5; null=null"},
		{"axis=field 5; value=field 2; valueFn=min; sort=value", "2=-1; 1=1.5; null=null"},
		{"axis=field 5; value=field 2; valueFn=count", "1=1; 2=2; null=0"},
		{"axis=field 5; split=field 6", "1=1:1,2:1; 2=2:1,null:1; null=null:1"},
		{"axis=field 5; split=field 6; splitLimit=1", "1=2:1; 2=2:1"},
		{"axis=field 5; split=field 6; splitLimit=0", ""},
		{"axis=all; split=field 5", "null=1:1,2:2,null:1"},
		{"axis=field 5; value=field 1 uniqueCount", "1=1; 2=1; null=0"},
		{"value=field 12", "null=2"},
		{"split=field 5; value=field 12 uniqueCount", "null=1:0,2:2,null:0"},
		{"axis=field 4 month; value=field 12 uniqueCount", "2031-02-01T00=0; 1965-02-01T00=1; null=2"},
		{"axis=field 1; limit=1; offset=1", "b=1"},
		{"axis=field 1; offset=9", ""},
		{"axis=field 1; limit=0", ""},
		{"axis=field 1; limit=5000", "Ä=2; b=1; null=1"},
		{`axis=field 1; recordsFilter={"filters":{"5":["2"]}}`, "Ä=2"},
		{`axis=field 1; recordsFilter={"filters":[{"fieldId":"5","value":["2"]}],"searchText":"ä","id":["2","9"]}`, "Ä=1"},
		{`axis=field 1; recordsFilter={"id":[]}`, ""},
		{`recordsFilter={"id":[]}`, "null=0"},
		{"axis=field 1; recordsType=all", "Ä=2; b=1; null=1"},
	}
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		for _, c := range cases {
			if got := short(t, s.must(t, "GET", "/catalogs/"+id+"/values"+asked(c.ask), "")); got != c.want {
				t.Errorf("%s: %s, want %s", c.ask, got, c.want)
			}
		}
		got := s.must(t, "GET", "/catalogs/"+id+`/values?axis={"type":"field","value":12}&sort=axis`, "")
		link := `{"axis":{"sectionId":"4","catalogId":"25","catalogTitle":"Things","catalogIcon":"box-1","recordId":"%s","recordTitle":"%s","isRemoved":false},"values":[{"value":%d}]}`
		want := "[" + fmt.Sprintf(link, "2", "Ä", 1) + "," + fmt.Sprintf(link, "1", "b", 2) + `,{"axis":null,"values":[{"value":2}]}]`
		if got != want {
			t.Errorf("links by title: %s, want %s", got, want)
		}
	})
}

func TestValuesOfOneGroup(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		s.must(t, "POST", "/catalogs/"+id+"/records", `{"values":{"1":"a/b \"c\" ї"}}`)
		for _, c := range []struct{ axis, ask, want string }{
			{"2", "axis=field 5", "2=2"}, {"null", "axis=field 5", "null=2"}, {"null", "", "null=5"},
			{url.PathEscape(`a/b "c" ї`), "axis=field 1", `a/b \c\ ї=1`},
			{"1.5", "axis=field 2", "1.5=1"}, {"true", "axis=field 9", "true=1"}, {"1", "axis=field 10", "{id:1,title:Anna}=1"},
			{"2031-02-03T00:00:00.000Z", "axis=field 3", "2031-02-03T00=1"}, {"2", "axis=field 4 monthOfYear", "2=2"},
		} {
			if got := short(t, "["+s.must(t, "GET", "/catalogs/"+id+"/values/"+c.axis+asked(c.ask), "")+"]"); got != c.want {
				t.Errorf("%s of %q: %s, want %s", c.axis, c.ask, got, c.want)
			}
		}
		if got := s.must(t, "GET", "/catalogs/"+id+"/values/25:1"+asked("axis=field 12"), ""); !strings.Contains(got, `"recordId":"1"`) {
			t.Errorf("a link: %s", got)
		}
		for _, c := range []struct{ axis, ask string }{
			{"3", "axis=field 5"}, {"2", "axis=field 5; limit=1"}, {"1", "axis=field 5; offset=1"}, {"all", ""},
		} {
			if a := s.do(t, "GET", "/catalogs/"+id+"/values/"+c.axis+asked(c.ask), ""); a.status != http.StatusNotFound {
				t.Errorf("%s of %q: %d %s", c.axis, c.ask, a.status, a.body)
			}
		}
	})
}

func TestTotals(t *testing.T) {
	cases := []struct{ ask, sum, avg, count string }{
		{"", "4", "4", "4"},
		{"axis=field 6", "4", "1.66666666666667", "4"},
		{"axis=field 5; split=field 6; limit=1; splitLimit=1", "4", "1", "4"},
		{"value=field 2", "3", "1", "4"},
		{"axis=field 6; value=field 2", "3", "1.5", "4"},
		{"axis=field 5; value=field 2; valueFn=max", "2.5", "2", "4"},
		{"value=field 12; axis=field 5", "2", "0.666666666666667", "4"},
		{`value=field 2; recordsFilter={"id":["4"]}`, "null", "null", "1"},
		{`recordsFilter={"id":[]}`, "0", "0", "0"},
	}
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		for _, c := range cases {
			want := fmt.Sprintf(`[{"key":"sum","value":%s},{"key":"avg","value":%s},{"key":"count","value":%s}]`, c.sum, c.avg, c.count)
			if got := s.must(t, "GET", "/catalogs/"+id+"/totals"+asked(c.ask), ""); got != want {
				t.Errorf("%s: %s, want %s", c.ask, got, want)
			}
		}
	})
}

// TestExplain: administrators of a catalog are told how its groups are worked out,
// and nobody else is; the values are the same.
func TestExplain(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		s.must(t, "POST", "/rights", `{"object":{"catalogId":"`+id+`"},"rules":[{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view"},`+
			`{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":"1"},"privilegeCode":"admin"}]}`)
		for path, parts := range map[string]int{"/values?axis[type]=field&axis[value]=5": 1, "/totals?axis[type]=field&axis[value]=5": 2} {
			plain := s.must(t, "GET", "/catalogs/"+id+path, "")
			var got struct {
				Explain []struct {
					Engine, Why      string
					TookMicroseconds *int64
				}
				Values json.RawMessage
			}
			check(t, json.Unmarshal([]byte(s.must(t, "GET", "/catalogs/"+id+path+"&explain=true", "")), &got))
			if string(got.Values) != plain || len(got.Explain) != parts {
				t.Errorf("%s: %+v, want %s", path, got, plain)
			}
			for _, e := range got.Explain {
				if e.Engine != "store" || e.Why != "columns are not kept in memory" || e.TookMicroseconds == nil {
					t.Errorf("%s: %+v", path, e)
				}
			}
			s.employed(t, "Bo", "bo"+path[1:7])
			if a := s.as(t, "Bo", "bo"+path[1:7], "GET", "/api/v1/catalogs/"+id+path, ""); a.status != http.StatusOK {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
			if a := s.as(t, "Bo", "bo"+path[1:7], "GET", "/api/v1/catalogs/"+id+path+"&explain=true", ""); a.status != http.StatusForbidden {
				t.Errorf("%s of who is no administrator: %d %s", path, a.status, a.body)
			}
		}
	})
}

// TestTimesInOptions: what an option took counts from when a record got into it,
// whatever the history, and goes on while it is there.
func TestTimesInOptions(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		section := idOf(t, s.must(t, "POST", "/sections", `{"name":"S"}`))
		id := idOf(t, s.must(t, "POST", "/catalogs", `{"name":"C","history":false,"sectionId":"`+section+`","fields":[
			{"name":"S","type":"dropdown","config":{"items":[{"name":"x"},{"name":"y"},{"name":"z"}]}},
			{"name":"M","type":"checkboxes","config":{"items":[{"name":"p"},{"name":"q"}]}},{"name":"T","type":"text"}]}`))
		records := "/catalogs/" + id + "/records"
		s.must(t, "POST", records, `{"values":{"1":["1"],"2":["1","2"],"3":"a"}}`)
		s.clock.advance(10 * time.Second)
		s.must(t, "PATCH", records+"/1", `{"values":{"1":["2"],"2":["2"]}}`)
		s.must(t, "POST", records, `{"values":{"3":"b"}}`)
		s.clock.advance(5 * time.Second)
		s.must(t, "PATCH", records+"/2", `{"values":{"1":["1"]}}`)
		s.clock.advance(5 * time.Second)
		s.must(t, "PATCH", records+"/1", `{"values":{"1":["1"]}}`)
		s.clock.advance(time.Second)
		for _, c := range []struct{ ask, want string }{
			{"axis=field 1; value=field 1 timeLeft; valueFn=sum", "1=17000; 2=10000"}, // 10 and 1, 6; 10
			{"axis=field 1; value=field 1 timeLeft", "1=8500; 2=10000"},
			{"axis=field 1; value=field 1 timeTo; valueFn=max", "1=5000; 2=10000"},
			{"axis=field 1; value=field 1 timeTo", "1=2500; 2=10000"},
			{"value=field 1 timeLeft; valueFn=max", "null=11000"}, // of the options they are in
			{"axis=field 3; value=field 1 timeLeft; valueFn=sum", "a=11000; b=6000"},
			{"axis=field 3; split=field 1; value=field 1 timeLeft; valueFn=sum", "a=1:11000,2:10000; b=1:6000"},
			{"axis=field 2; value=field 2 timeLeft; valueFn=sum", "1=10000; 2=21000"},
			{"value=field 2 timeLeft; valueFn=count", "null=1"},
		} {
			if got := short(t, s.must(t, "GET", "/catalogs/"+id+"/values"+asked(c.ask), "")); got != c.want {
				t.Errorf("%s: %s, want %s", c.ask, got, c.want)
			}
		}
		if got := s.must(t, "GET", "/catalogs/"+id+"/totals"+asked("axis=field 1; value=field 1 timeLeft"), ""); !strings.Contains(got, `{"key":"count","value":2}`) {
			t.Errorf("totals: %s", got)
		}
	})
}

func TestReportsRefuse(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		id := reports(t, s)
		for i := range 3 {
			s.must(t, "POST", "/catalogs/"+id+"/records", fmt.Sprintf(`{"values":{"2":%de307}}`, 15+i))
		}
		for _, c := range []struct{ ask, part string }{
			{"axis=fields 1", "axis[type]"}, {"axis=field", "axis[value]"}, {"axis=field 99", "axis[value]"}, {"axis=field 11", "axis"},
			{"axis=field 13", "axis"}, {"axis=field 3 decade", "axis[subType]"}, {"split=field 11", "split"}, {"split=x", "split[type]"},
			{"value=field 1 sum", "value[subType]"}, {"value=field 5", "value[subType]"}, {"value=field 3", "value"}, {"value=field 2 uniqueCount", "value"},
			{"value=field 9", "value"}, {"value=field 2; valueFn=median", "valueFn"}, {"value=field 1; valueFn=sum", "valueFn"}, {"value=all", "value[type]"},
			{"sort=title", "sort"}, {"sortType=up", "sortType"}, {"limit=-1", "limit"}, {"limit=x", "limit"}, {"offset=-1", "offset"}, {"splitLimit=x", "splitLimit"},
			{"recordsType=mine", "recordsType"}, {"recordsFilter=x", "recordsFilter"}, {"recordsFilter=[1]", "recordsFilter"}, {`recordsFilter={"filters":7}`, ""},
			{"timezoneOffset=900", "timezoneOffset"}, {"explain=perhaps", "explain"}, {"value=field 2", "too large"}, {"value=field 2; axis=createdTime - year", "too large"},
		} {
			for _, kind := range []string{"/values", "/totals"} {
				a := s.do(t, "GET", "/catalogs/"+id+kind+asked(c.ask), "")
				if f := a.failed(t); a.status != http.StatusBadRequest || !strings.Contains(f.Message, c.part) {
					t.Errorf("%s%s: %d %s", kind, c.ask, a.status, a.body)
				}
			}
		}
		if a := s.do(t, "GET", "/catalogs/999/values", ""); a.status != http.StatusNotFound {
			t.Errorf("no catalog: %d %s", a.status, a.body)
		}
	})
}
