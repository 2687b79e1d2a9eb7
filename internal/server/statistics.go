package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"kartoteka/internal/catalog"
)

// requestCount counts the requests of an interval and how long they took.
type requestCount struct {
	number, nanos atomic.Int64
}

// take gives what was counted since the last call.
func (c *requestCount) take() (number int64, total time.Duration) {
	return c.number.Swap(0), time.Duration(c.nanos.Swap(0))
}

// counted counts the requests to a handler, if anybody wants to know.
func (a *App) counted(next http.Handler) http.Handler {
	if a.Settings.ActivityPeriod == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.now()
		defer func() {
			a.requests.number.Add(1)
			a.requests.nanos.Add(int64(a.now().Sub(start)))
		}()
		next.ServeHTTP(w, r)
	})
}

// runStatistics writes a record each period in which there were requests, and the
// last one when ctx ends.
func (a *App) runStatistics(ctx context.Context) error {
	if a.Settings.ActivityPeriod == 0 {
		return nil
	}
	tick := time.NewTicker(max(a.Settings.ActivityPeriod, time.Second))
	defer tick.Stop()
	for start := a.now(); ; start = a.now() {
		select {
		case <-tick.C:
			a.writeStatistics(ctx, start)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), statisticsTime)
			defer cancel()
			a.writeStatistics(last, start)
			return nil
		}
	}
}

// statisticsTime bounds how long the end of the program waits for the last record.
const statisticsTime = 5 * time.Second

func (a *App) writeStatistics(ctx context.Context, start time.Time) {
	number, total := a.requests.take()
	if number == 0 {
		return
	}
	err := a.Catalog.AddStatistics(ctx, catalog.RequestStatistics{Start: start, Count: number, Total: total})
	if err != nil {
		a.Log.ErrorContext(ctx, "write request statistics", "error", err)
	}
}
