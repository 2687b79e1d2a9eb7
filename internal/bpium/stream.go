package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
)

// maxStreamed is how many catalogs one stream may be of.
const maxStreamed = 20

// StreamAsk says what a stream of changes is of.
type StreamAsk struct {
	// Catalogs are their public ids, Views those of the views of each, "" for all of
	// the catalog's records.
	Catalogs, Views []string
	// After is the number of the last event that was received, -1 for none.
	After int64
}

// DecodeStream reads the parameters of a stream, and the header Last-Event-ID, which
// the parameter lastEventId stands for where a client cannot set it.
func DecodeStream(p Params, last string) (ask StreamAsk, err error) {
	ids, err := p.IDs("catalogId")
	if err != nil {
		return ask, err
	}
	if len(ids) == 0 {
		return ask, badParam("catalogId", "expected the id of a catalog")
	}
	if len(ids) > maxStreamed {
		return ask, badParam("catalogId", "at most %d catalogs are possible", maxStreamed)
	}
	seen := map[string]bool{}
	for _, id := range ids {
		id = CatalogKey(id)
		if seen[id] {
			return ask, badParam("catalogId", "the same catalog is named twice")
		}
		seen[id] = true
		ask.Catalogs = append(ask.Catalogs, id)
	}
	if ask.Views, err = viewsOf(p, len(ids)); err != nil {
		return ask, err
	}
	ask.After, err = lastEvent(p, last)
	return ask, err
}

// viewsOf reads the views of so many catalogs: the first is of the first catalog.
func viewsOf(p Params, catalogs int) ([]string, error) {
	views := make([]string, catalogs)
	list, err := p.List("viewId")
	if err != nil {
		return nil, err
	}
	if len(list) > catalogs {
		return nil, badParam("viewId", "there are more views than catalogs")
	}
	for i, v := range list {
		id, ok := IDText(v)
		if !ok && v.Str() != "" {
			return nil, badParam("viewId", "expected a list of ids")
		}
		views[i] = id
	}
	return views, nil
}

func lastEvent(p Params, last string) (int64, error) {
	name := "Last-Event-ID"
	if last == "" {
		name = "lastEventId"
		var err error
		if last, err = p.Text(name); err != nil {
			return 0, err
		}
	}
	if last == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < 0 {
		return 0, badParam(name, "expected the id of an event")
	}
	return n, nil
}

// toldNames are the names of events.
var toldNames = map[catalog.Telling]string{
	catalog.ToldCreated: "record.created", catalog.ToldUpdated: "record.updated", catalog.ToldGone: "record.gone",
}

// AppendTold adds a change of a catalog's record as an event of a stream.
func AppendTold(dst []byte, catalogID string, t *catalog.Told) []byte {
	w := beginEvent(dst, t.Seq, toldNames[t.Kind], catalogID)
	w.key("recordId")
	w.b = appendRecordID(w.b, t.Code, t.Record)
	w.comma = true
	keys := make([]string, len(t.Changed))
	for i, f := range t.Changed {
		keys[i] = f.Key
	}
	return w.endEvent(keys, t.At)
}

// AppendAnew adds the event that a catalog is to be read anew; seq is up to where
// events were told, at the time now (Unix ms).
func AppendAnew(dst []byte, catalogID string, seq, at int64) []byte {
	w := beginEvent(dst, seq, "record.reset", catalogID)
	w.key("recordId")
	w.raw("null")
	w.comma = true
	return w.endEvent([]string{}, at)
}

func beginEvent(dst []byte, seq int64, name, catalogID string) *writer {
	dst = strconv.AppendInt(append(dst, "id: "...), seq, 10)
	dst = append(append(dst, "\nevent: "...), name...)
	w := &writer{b: append(dst, "\ndata: "...)}
	w.open('{')
	w.str("catalogId", catalogID)
	return w
}

func (w *writer) endEvent(changed []string, at int64) []byte {
	w.texts("changed", changed)
	w.key("at")
	w.b = appendTime(w.b, at)
	w.comma = true
	w.end('}')
	return append(w.b, "\n\n"...)
}
