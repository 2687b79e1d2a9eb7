package bpium

import (
	"math"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// deliveriesLimit and deliveriesMost are how many deliveries a list has.
const (
	deliveriesLimit = 50
	deliveriesMost  = 1000
)

// DecodeDeliveries reads the parameters of a list of deliveries: how many, and
// before which one.
func DecodeDeliveries(p Params) (before int64, limit int, err error) {
	if limit, err = p.Limit(deliveriesLimit); err != nil {
		return 0, 0, err
	}
	id, err := p.Text("before")
	if err != nil || id == "" {
		return 0, min(limit, deliveriesMost), err
	}
	if before = numberID(id); before == 0 {
		return 0, 0, badParam("before", "expected the id of a delivery")
	}
	return before, min(limit, deliveriesMost), nil
}

// DeliveryID reads the id of a delivery; 0 for what cannot be one.
func DeliveryID(id string) int64 { return numberID(id) }

// DecodeResend reads from which event to which one deliveries are to be sent again,
// at most most of them. It fails with fault.InvalidJSON or ValidationFailed.
func DecodeResend(v tree.Value, most int64) (from, to int64, err error) {
	b, err := newBody(v)
	if err != nil {
		return 0, 0, err
	}
	from, to = b.event("from"), b.event("to")
	if from > 0 && to > 0 && (to < from || to-from >= most) {
		b.refuse("to", fault.Max, "from 0 to %d events after the first", most-1)
	}
	return from, to, b.err()
}

// event reads the number of an event.
func (b body) event(name string) int64 {
	v, ok := b.v.Get(name)
	if !ok || v.IsNull() {
		b.refuse(name, fault.Required, "the number of an event is required")
		return 0
	}
	n, ok := v.Int()
	if !ok || n < 1 || n > math.MaxInt32 {
		b.refuse(name, fault.Type, "expected the number of an event")
		return 0
	}
	return n
}

// EncodeDeliveries adds a list of deliveries as JSON.
func EncodeDeliveries(dst []byte, st *catalog.Structure, list []job.Job) []byte {
	w := writer{b: dst}
	w.open('[')
	for i := range list {
		w.delivery(st, &list[i])
		w.end('}')
	}
	w.end(']')
	return w.b
}

// EncodeDelivery adds one delivery with what was sent and the beginning of the
// answer.
func EncodeDelivery(dst []byte, st *catalog.Structure, j *job.Job) []byte {
	w := writer{b: dst}
	w.delivery(st, j)
	w.key("request")
	if j.Body == nil {
		w.raw("null")
	} else {
		w.raw(string(j.Body))
	}
	w.str("response", j.Answer)
	w.end('}')
	return w.b
}

// states are the public names of what became of a delivery.
var states = map[job.State]string{job.Pending: "pending", job.Done: "delivered", job.Dead: "failed"}

// delivery adds a delivery without its closing brace.
func (w *writer) delivery(st *catalog.Structure, j *job.Job) {
	ref := query.Ref(j.Record)
	w.open('{')
	w.str("id", strconv.FormatInt(j.ID, 10))
	w.str("webhookId", strconv.FormatInt(j.Target, 10))
	w.str("event", j.Kind)
	w.number("sequenceId", j.Number)
	key := strconv.FormatInt(int64(ref.Catalog()), 10)
	if c := st.AnyCatalog(ref.Catalog()); c != nil {
		key = c.Key
	}
	w.str("catalogId", key)
	w.str("recordId", strconv.FormatInt(int64(ref.Record()), 10))
	w.str("state", states[j.State])
	w.number("attempts", int64(j.Attempts))
	w.key("created")
	w.next()
	w.b = appendTime(w.b, j.Made)
	w.key("attempted")
	w.next()
	if j.Tried == 0 {
		w.b = append(w.b, "null"...)
	} else {
		w.b = appendTime(w.b, j.Tried)
	}
	w.attempt(j.Attempt)
}

// attempt adds what came of an attempt.
func (w *writer) attempt(a job.Attempt) {
	if a.Status == 0 {
		w.json("status", "null")
	} else {
		w.number("status", int64(a.Status))
	}
	w.strOrNull("error", a.Error)
	w.number("duration", a.Took)
}

// EncodeAttempt adds what came of a call that is no delivery.
func EncodeAttempt(dst []byte, a job.Attempt) []byte {
	w := writer{b: dst}
	w.open('{')
	w.attempt(a)
	w.str("response", a.Answer)
	w.end('}')
	return w.b
}
