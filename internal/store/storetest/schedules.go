package storetest

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
)

var schedules = []promise{
	{name: "a schedule adds a job at each of its times", test: testSchedule},
	{name: "a schedule that is set again keeps its time", test: testScheduleSetAgain},
	{name: "missed times are made up for once or skipped", test: testScheduleMissed},
	{name: "what still waits or runs is not added again", test: testScheduleWaits},
	{name: "nothing is added while deliveries are paused", test: testSchedulePaused},
	{name: "each time is run once among many nodes", test: testScheduleNodes},
	{name: "jobs of schedules keep no changes", test: testScheduleKeepsNoChanges},
}

const pulls job.Queue = "pull"

// timer drives the schedules of a fixture by a clock of its own.
type timer struct {
	*fixture
	now time.Time
}

func newTimer(f *fixture) *timer {
	return &timer{f, time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)}
}

func (t *timer) scheduler() *job.Scheduler {
	return job.NewScheduler(t.store, func() time.Time { return t.now }, slog.New(slog.DiscardHandler))
}

func (t *timer) plan(target int64, kind string, spec job.Spec) {
	t.Helper()
	err := t.update(func(w catalog.Writer) error { return job.Plan(t.Context(), w, pulls, target, kind, spec, t.now) })
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
}

// pass lets time go by and fires what is due.
func (t *timer) pass(d time.Duration) (wait time.Duration) {
	t.Helper()
	t.now = t.now.Add(d)
	wait, err := t.scheduler().Round(t.Context())
	if err != nil {
		t.Fatalf("round: %v", err)
	}
	return wait
}

// want compares the jobs that a target got, oldest first, by kind and due time.
func (t *timer) want(target int64, want ...string) {
	t.Helper()
	list, err := t.store.Jobs(t.Context(), pulls, target, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range slices.Backward(list) {
		if j.Record != 0 || j.Change != 0 {
			t.Errorf("job %+v", j)
		}
		got = append(got, j.Kind+" "+time.UnixMilli(j.Number).UTC().Format("02 15:04"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("target %d got %v, want %v", target, got, want)
	}
}

// done does all jobs that wait.
func (t *timer) done(target int64) {
	t.Helper()
	for {
		list, err := t.store.Claim(t.Context(), pulls, target, at("a", t.now.UnixMilli()), minute, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return
		}
		for _, j := range list {
			t.settle(j, job.Done, 0)
		}
	}
}

// shown describes the schedules of a target, or of all.
func (t *timer) shown(q job.Queue, target int64) string {
	t.Helper()
	list, err := t.store.Schedules(t.Context(), q, target)
	if err != nil {
		t.Fatal(err)
	}
	moment := func(ms int64) string {
		if ms == 0 {
			return "never"
		}
		return time.UnixMilli(ms).UTC().Format("02 15:04")
	}
	var lines []string
	for _, s := range list {
		lines = append(lines, strconv.FormatInt(s.Target, 10)+" "+s.Kind+": "+moment(s.Last)+", "+moment(s.Next))
	}
	return strings.Join(lines, "; ")
}

func testSchedule(f *fixture) {
	t := newTimer(f)
	if wait := t.pass(0); wait < 10*time.Second {
		t.Errorf("without schedules it looks again after %v", wait)
	}
	kyiv := job.Spec{Cron: "0 12 * * *", Zone: "Europe/Kyiv", Missed: job.Skip}
	t.plan(7, "pull", kyiv)
	t.plan(7, "full", job.Spec{Every: time.Hour, Missed: job.RunOnce})
	t.plan(8, "pull", job.Spec{Cron: "31 * * * *", Missed: job.Skip})
	if got := t.shown("", 0); got != "7 full: never, 01 10:30; 7 pull: never, 01 10:00; 8 pull: never, 01 09:31" {
		t.Errorf("planned: %s", got)
	}
	if wait := t.pass(40 * time.Second); wait != 20*time.Second {
		t.Errorf("the next one is in %v", wait)
	}
	t.want(8)
	t.pass(30 * time.Second)
	t.want(8, "pull 01 09:31")
	t.pass(29 * time.Minute)
	t.want(7, "pull 01 10:00")
	list, err := t.store.Schedules(t.Context(), pulls, 7)
	if err != nil || len(list) != 2 || list[1].Spec != kyiv || list[0].Spec != (job.Spec{Every: time.Hour, Missed: job.RunOnce}) {
		t.Errorf("schedules %+v (%v)", list, err)
	}
	t.store = t.open(t)
	t.done(7)
	t.pass(30 * time.Minute)
	t.want(7, "pull 01 10:00", "full 01 10:30")
	if got := t.shown(pulls, 7); got != "7 full: 01 10:30, 01 11:30; 7 pull: 01 10:00, 02 10:00" {
		t.Errorf("then: %s", got)
	}
	if err := t.update(func(w catalog.Writer) error { return w.DropSchedules(t.Context(), pulls, 7) }); err != nil {
		t.Fatal(err)
	}
	if got := t.shown("", 0); !strings.HasPrefix(got, "8 pull") || strings.Contains(got, ";") {
		t.Errorf("removed: %s", got)
	}
}

func testScheduleSetAgain(f *fixture) {
	t := newTimer(f)
	spec := job.Spec{Every: time.Hour, Missed: job.Skip}
	t.plan(7, "pull", spec)
	t.pass(time.Hour)
	t.now = t.now.Add(20 * time.Minute)
	spec.Missed = job.RunOnce
	t.plan(7, "pull", spec)
	if got := t.shown(pulls, 7); got != "7 pull: 01 10:30, 01 11:30" {
		t.Errorf("the same: %s", got)
	}
	spec.Every = 2 * time.Hour
	t.plan(7, "pull", spec)
	if got := t.shown(pulls, 7); got != "7 pull: 01 10:30, 01 12:50" {
		t.Errorf("another: %s", got)
	}
	err := t.update(func(w catalog.Writer) error {
		return job.Plan(t.Context(), w, pulls, 7, "pull", job.Spec{Cron: "x", Missed: job.Skip}, t.now)
	})
	if got := t.shown(pulls, 7); err == nil || got != "7 pull: 01 10:30, 01 12:50" {
		t.Errorf("a bad one: %s (%v)", got, err)
	}
}

func testScheduleMissed(f *fixture) {
	t := newTimer(f)
	for target, missed := range map[int64]job.Missed{7: job.RunOnce, 8: job.Skip} {
		t.plan(target, "pull", job.Spec{Cron: "0 * * * *", Missed: missed})
		t.plan(target, "full", job.Spec{Every: 40 * time.Minute, Missed: missed})
	}
	t.pass(5 * time.Hour)
	t.want(7, "pull 01 10:00", "full 01 10:10")
	t.want(8)
	if got := t.shown(pulls, 8); got != "8 full: never, 01 14:50; 8 pull: never, 01 15:00" {
		t.Errorf("skipped: %s", got)
	}
	t.done(7)
	t.pass(30 * time.Minute)
	t.want(7, "pull 01 10:00", "full 01 10:10", "full 01 14:50", "pull 01 15:00")
	t.want(8, "pull 01 15:00")
}

func testScheduleWaits(f *fixture) {
	t := newTimer(f)
	t.plan(7, "pull", job.Spec{Every: time.Minute, Missed: job.RunOnce})
	t.plan(7, "full", job.Spec{Every: 4 * time.Minute, Missed: job.RunOnce})
	for range 5 {
		t.pass(time.Minute)
	}
	t.want(7, "pull 01 09:31", "full 01 09:34")
	// One that runs counts like one that waits.
	list, err := t.store.Claim(t.Context(), pulls, 7, at("a", t.now.UnixMilli()), 10*minute, 1)
	if err != nil || len(list) != 1 || list[0].Kind != "pull" {
		t.Fatalf("claimed %+v (%v)", list, err)
	}
	t.pass(time.Minute)
	t.want(7, "pull 01 09:31", "full 01 09:34")
	t.settle(list[0], job.Done, 0)
	t.pass(time.Minute)
	t.want(7, "pull 01 09:31", "full 01 09:34", "pull 01 09:37")
}

func testSchedulePaused(f *fixture) {
	t := newTimer(f)
	t.plan(7, "pull", job.Spec{Cron: "0 * * * *", Missed: job.RunOnce})
	if err := t.store.PauseDeliveries(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	t.pass(3 * time.Hour)
	t.want(7)
	if err := t.store.PauseDeliveries(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	t.pass(0)
	t.want(7, "pull 01 10:00")
}

func testScheduleNodes(f *fixture) {
	t := newTimer(f)
	const targets, minutes, nodes = 12, 8, 6
	var told atomic.Int64
	for target := range int64(targets) {
		t.plan(target, "pull", job.Spec{Cron: "* * * * *", Missed: job.RunOnce})
	}
	for range minutes {
		t.now = t.now.Add(time.Minute)
		var all sync.WaitGroup
		for range nodes {
			all.Go(func() {
				s := t.scheduler()
				s.Moved = func(_ context.Context, list []job.Schedule) error {
					for _, m := range list {
						if m.Queue != pulls || m.Next != t.now.Add(time.Minute).UnixMilli() || m.Last != t.now.UnixMilli() {
							t.Errorf("told of %+v", m)
						}
					}
					told.Add(int64(len(list)))
					return nil
				}
				if _, err := s.Round(context.WithoutCancel(t.Context())); err != nil {
					t.Errorf("round: %v", err)
				}
			})
		}
		all.Wait()
		for target := range int64(targets) {
			t.done(target)
		}
	}
	want := make([]string, minutes)
	for i := range want {
		want[i] = "pull 01 09:" + strconv.Itoa(31+i)
	}
	for target := range int64(targets) {
		t.want(target, want...)
	}
	if n := told.Load(); n != targets*minutes {
		t.Errorf("told of %d moves, want %d", n, targets*minutes)
	}
}

func testScheduleKeepsNoChanges(f *fixture) {
	t := newTimer(f)
	for range 3 {
		f.add(goods, "", values{name: catalog.Text("a")})
	}
	if err := f.store.Sequence(f.Context()); err != nil {
		f.Fatal(err)
	}
	t.plan(7, "pull", job.Spec{Every: time.Hour, Missed: job.RunOnce})
	t.pass(time.Hour)
	t.want(7, "pull 01 10:30")
	if n, err := f.store.PurgeChanges(f.Context(), 1<<60, 100); err != nil || n == 0 {
		f.Errorf("purged %d changes (%v)", n, err)
	}
}
