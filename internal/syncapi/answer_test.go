package syncapi

import (
	"bytes"
	"log/slog"
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
