package syncapi

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"kartoteka/internal/apisync"
	"kartoteka/internal/fault"
)

// TestKnownKeepsValues: what a refusal says of values that were sent does not come into
// the server's own log.
func TestKnownKeepsValues(t *testing.T) {
	var out bytes.Buffer
	a := &API{opt: Options{Log: slog.New(slog.NewTextHandler(&out, nil))}}
	err := fault.Wrap(nil, fault.Rejected, "planted is not taken")
	if e := a.known(t.Context(), apisync.FromFault(err), "id"); e.Code != "MODEL_VALIDATION" || out.Len() > 0 {
		t.Errorf("%v, logged %s", e, &out)
	}
	err = fault.New(fault.UnknownField, "the field x is gone")
	if a.known(t.Context(), apisync.FromFault(err), "id"); !strings.Contains(out.String(), "CONFIG_ERROR") {
		t.Errorf("logged %s", &out)
	}
}

// TestRetryAfter: who may send a request again is told when.
func TestRetryAfter(t *testing.T) {
	a := &API{opt: Options{Log: slog.New(slog.DiscardHandler)}}
	for _, c := range []struct {
		status     int
		code, want string
	}{
		{409, "IDEMPOTENCY_IN_PROGRESS", "1"}, {409, "DUPLICATE_RECORD", ""}, {503, "UPSTREAM_BUSY", "1"}, {429, "RATE_LIMITED", "60"}, {500, "INTERNAL_ERROR", ""},
	} {
		w := httptest.NewRecorder()
		x := &exchange{api: a, w: w, r: httptest.NewRequest("POST", "/", nil)}
		x.refusal(apisync.Refuse(c.status, c.code, "no"))
		if got := w.Header().Get("Retry-After"); got != c.want {
			t.Errorf("%s: %q", c.code, got)
		}
	}
}
