package bpium

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func TestDecodeHistory(t *testing.T) {
	cases := []struct{ name, query, want string }{
		{"activity", "catalogId=27", "record=- query=false actor=0 kinds=[] fields=[] asc=false 100 0"},
		{"one record", "catalogId=27&recordId=118&viewId=9", "record=118 query=false actor=0 kinds=[] fields=[] asc=false 100 0"},
		{"page", "limit=5000&from=20&sortType=asc", "record=- query=false actor=0 kinds=[] fields=[] asc=true 1000 20"},
		{"a limit beyond integers is cut too", "limit=99999999999999999999", "record=- query=false actor=0 kinds=[] fields=[] asc=false 1000 0"},
		{"offset is from", "offset=7&sortType=desc", "record=- query=false actor=0 kinds=[] fields=[] asc=false 100 7"},
		{"who and what", "userId=7&actionType=UPDATE&actionType=COMMENT&fields[]=2&fields[]=5", "record=- query=false actor=7 kinds=[UPDATE COMMENT] fields=[102 105] asc=false 100 0"},
		{"of which records", `filters={"15":true}`, "record=- query=true actor=0 kinds=[] fields=[] asc=false 100 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := DecodeHistory(params(t, c.query), scopeOf(t, "27"), byOperator)
			if err != nil {
				t.Fatal(err)
			}
			record := "-"
			if a.Record != nil {
				record = fmt.Sprint(a.Record.Record)
			}
			got := fmt.Sprintf("record=%s query=%v actor=%d kinds=%v fields=%v asc=%v %d %d", record, a.Query != nil, a.Actor.Record, a.Kinds, a.Fields, a.Asc, a.Limit, a.Offset)
			if got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
	for q, code := range map[string]fault.Code{
		"sortType=up": fault.InvalidParameter, "limit=-1": fault.InvalidParameter, "from=x": fault.InvalidParameter,
		"actionType=LOOK": fault.InvalidParameter, "fields=99": fault.UnknownField, "filters[99]=1": fault.UnknownField,
	} {
		if _, err := DecodeHistory(params(t, q), scopeOf(t, "27"), byOperator); !fault.Is(err, code) {
			t.Errorf("%s: %v", q, err)
		}
	}
	if _, err := HistoryCatalog(params(t, "recordId=1")); !fault.Is(err, fault.InvalidParameter) {
		t.Errorf("no catalog: %v", err)
	}
	if key, err := HistoryCatalog(params(t, "catalogId=3")); err != nil || key != "$users" {
		t.Errorf("%s %v", key, err)
	}
}

func TestDecodeComment(t *testing.T) {
	c, err := DecodeComment(parse(t, `{"catalogId":27,"recordId":"118","type":"COMMENT","payload":{"message":"text"}}`))
	if err != nil || c != (Comment{"27", query.Key{Record: 118}, "text"}) {
		t.Errorf("%+v %v", c, err)
	}
	long := strings.Repeat("ж", 10_001)
	for body, places := range map[string]string{
		`{}`: "catalogId recordId type payload.message",
		`{"catalogId":27,"recordId":1,"type":"UPDATE","payload":{"message":"x"}}`:             "type",
		`{"catalogId":27,"recordId":1,"type":"COMMENT","payload":{"message":""}}`:             "payload.message",
		`{"catalogId":27,"recordId":1,"type":"COMMENT","payload":{"message":" \n"}}`:          "payload.message",
		`{"catalogId":27,"recordId":1,"type":"COMMENT","payload":{"message":5}}`:              "payload.message",
		`{"catalogId":27,"recordId":1,"type":"COMMENT","payload":{"message":"` + long + `"}}`: "payload.message",
	} {
		wantPlaces(t, func() error { _, err := DecodeComment(parse(t, body)); return err }, places)
	}
}

func TestEncodeHistoryGolden(t *testing.T) {
	p := world()
	st := scopeOf(t, "27")
	order := fullOrder()
	payload := []byte("{")
	for _, f := range st.Catalog.Fields {
		if f.Storage() == catalog.NoStorage {
			continue
		}
		if len(payload) > 1 {
			payload = append(payload, ',')
		}
		payload = fmt.Appendf(payload, `"%d":{"o":null,"n":`, f.Num)
		payload = append(catalog.AppendHistoryJSON(payload, f, order.values[f.Num], p.titles), '}')
	}
	payload = append(payload, `,"999":{"o":null,"n":"a removed field"}}`...)
	entry := func(id int64, kind catalog.HistoryKind, actor query.Record, payload string) catalog.HistoryEntry {
		return catalog.HistoryEntry{ID: id, HistoryRow: catalog.HistoryRow{
			Catalog: ordersNum, Record: query.Record(118 + id%2), At: ms("2031-02-04T08:00:00Z"), Actor: actor, Kind: kind, Payload: json.RawMessage(payload),
		}}
	}
	p.history = []catalog.HistoryEntry{
		entry(9004, catalog.Commented, 7, `{"message":"te\"xt"}`),
		entry(9003, catalog.Removed, 0, ``),
		entry(9002, catalog.Updated, 7, `{"107":{"o":["1"],"n":["late"]},"105":{"o":1.5,"n":null},"108":{"o":["2"],"n":null}}`),
		entry(9000, catalog.Created, 7, string(payload)),
	}
	page, err := service(p).History(context.Background(), operator, catalog.HistoryAsk{Catalog: ordersNum, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "history", EncodeHistory(nil, page, nil))
	golden(t, "history_fields", EncodeHistory(nil, page, []query.Field{stateF}))
}
