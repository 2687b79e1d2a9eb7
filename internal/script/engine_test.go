//go:build linux

package script

import (
	"testing"
)

func TestValue(t *testing.T) {
	e := engine(t)
	if got := value(t, e, "1 + 1"); got != "2" {
		t.Errorf("1 + 1 is %s", got)
	}
	t.Log(e.Walls())
}
