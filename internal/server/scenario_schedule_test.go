package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// timed is a running program with a scenario that is started at times and writes what
// it was given into a catalog.
type timed struct {
	*scripted
	log, event string // ids of that catalog and of the event
}

func eachTimed(t *testing.T, schedule string, test func(s *timed), env ...string) {
	eachScripted(t, func(h *scripted) {
		s := &timed{scripted: h}
		s.log = s.made("POST", "/api/v1/catalogs", `{"name":"Log","sectionId":"3","icon":"a-1","fields":[{"name":"Text","type":"text"}]}`)
		s.event = s.on(s.catalog, `"$schedule"`, `
assert event['async'] is True and user['id'] is None and 'recordId' not in inputs
env['`+s.log+`'].create({'1': ' '.join([event['type'], event['id'], catalogId, script['id'], scheduledAt])})
`, `,"$schedule":`+strconv.Quote(schedule))
		test(s)
	}, env...)
}

func (s *timed) path() string { return "/api/v1/catalogs/$events/records/" + s.event }

func (s *timed) set(values string) {
	s.Helper()
	s.call(200, "PATCH", s.path(), `{"values":`+values+`}`)
}

// next is the event's next time, "<nil>" for none.
func (s *timed) next() string {
	s.Helper()
	var record struct{ Values map[string]any }
	if err := json.Unmarshal([]byte(s.call(200, "GET", s.path(), "")), &record); err != nil {
		s.Fatal(err)
	}
	return fmt.Sprint(record.Values["$next"])
}

func (s *timed) wantNext(what, want string) {
	s.Helper()
	if got := s.next(); got != want {
		s.Errorf("%s: next at %s, want %s", what, got, want)
	}
}

// later lets time go by and starts what is due.
func (s *timed) later(d time.Duration) {
	s.Helper()
	s.clock.ms.Add(d.Milliseconds())
	if _, err := s.app.schedules.Round(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// started are the times for which the event has got jobs, newest first.
func (s *timed) started() string {
	s.Helper()
	n, err := strconv.ParseInt(s.event, 10, 64)
	if err != nil {
		s.Fatal(err)
	}
	list, err := s.app.company.Jobs(s.Context(), catalog.ScenarioQueue, int64(query.MakeRef(catalog.Events, query.Record(n))), 0, 100)
	if err != nil {
		s.Fatal(err)
	}
	var times []string
	for _, j := range list {
		times = append(times, time.UnixMilli(j.Number).UTC().Format("02 15:04"))
	}
	return strings.Join(times, ", ")
}

func (s *timed) wantStarted(what, want string) {
	s.Helper()
	if got := s.started(); got != want {
		s.Errorf("%s: started for %q, want %q", what, got, want)
	}
}

// ran tells whether so many runs are done, wantRan waits until they are.
func (s *timed) ran(n int) bool {
	s.Helper()
	return strings.Count(s.call(200, "GET", "/api/v1/catalogs/$processes/records", ""), `"$status":["$done"]`) == n
}

func (s *timed) wantRan(n int) {
	s.Helper()
	s.eventually(fmt.Sprint(n, " runs"), func() bool { return s.ran(n) })
	// What a run leaves is noted before it is off the queue, where it keeps the next away.
	s.eventually("nothing runs", func() bool {
		for _, e := range s.schedules() {
			list, err := s.app.company.Jobs(s.Context(), catalog.ScenarioQueue, e.Target, 0, 100)
			if err != nil || slices.ContainsFunc(list, func(j job.Job) bool { return j.State == job.Pending }) {
				return false
			}
		}
		return true
	})
}

// unaided waits until a condition holds, and wakes nobody.
func (s *timed) unaided(what string, holds func() bool) {
	s.Helper()
	for range 400 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.Fatalf("%s: never", what)
}

// schedules are all that the program has.
func (s *timed) schedules() []job.Schedule {
	s.Helper()
	list, err := s.app.company.Schedules(s.Context(), "", 0)
	if err != nil {
		s.Fatal(err)
	}
	return list
}

// A schedule starts its scenario at its times: not before, not when the event is off
// or removed.
func TestScenarioAtTimes(t *testing.T) {
	eachTimed(t, "*/30 * * * *", func(s *timed) {
		s.wantNext("saved", "2027-01-15T08:30:00.000Z")
		s.later(29 * time.Minute)
		s.wantStarted("too early", "")
		s.clock.ms.Add(time.Minute.Milliseconds())
		// A schedule that is set lets all be looked at, and what is due is run at once.
		other := s.on(s.catalog, `"$schedule"`, "a = 1", `,"$schedule":"0 0 1 1 *"`)
		s.unaided("a run", func() bool { return s.ran(1) })
		s.call(200, "DELETE", "/api/v1/catalogs/$events/records/"+other, "")
		want := "$schedule " + s.event + " " + s.catalog + " 1 2027-01-15T08:30:00.000Z"
		s.refuses("what it was given", 200, "GET", "/api/v1/catalogs/"+s.log+"/records", "", `"1":"`+want+`"`)
		process := s.call(200, "GET", "/api/v1/catalogs/$processes/records", "")
		for _, want := range []string{`"$mode":"async"`, `"catalogId":"$events"`, `\"scheduledAt\":\"2027-01-15T08:30:00.000Z\"`, `"$initiator":[]`} {
			if !strings.Contains(process, want) {
				s.Errorf("the process lacks %s: %s", want, process)
			}
		}
		s.eventually("the next time", func() bool { return s.next() == "2027-01-15T09:00:00.000Z" })
		s.set(`{"$name":"renamed","$next":"2020-01-01T00:00:00.000Z"}`)
		s.wantNext("written by a caller", "2027-01-15T09:00:00.000Z")
		s.set(`{"$status":["$off"]}`)
		s.wantNext("off", "<nil>")
		s.later(2 * time.Hour)
		s.wantStarted("off", "15 08:30")
		s.set(`{"$status":["$on"]}`)
		s.wantNext("on again", "2027-01-15T11:00:00.000Z")
		s.later(30 * time.Minute)
		s.wantStarted("on again", "15 11:00, 15 08:30")
		s.wantRan(2)
		s.call(200, "DELETE", s.path(), "")
		s.later(2 * time.Hour)
		s.wantStarted("removed", "15 11:00, 15 08:30")
		if list := s.schedules(); len(list) != 0 {
			s.Errorf("schedules are left: %+v", list)
		}
	})
}

// What became due while the program did not run, or while deliveries are paused, is one
// run; operators see the schedule.
func TestScenarioTimesMissed(t *testing.T) {
	eachTimed(t, "every 20 minutes", func(s *timed) {
		s.wantNext("saved", "2027-01-15T08:20:00.000Z")
		s.end()
		s.clock.ms.Add(5 * time.Hour.Milliseconds())
		s.start()
		s.wantRan(1)
		s.wantStarted("missed", "15 08:20")
		s.eventually("the next time", func() bool { return s.next() == "2027-01-15T13:20:00.000Z" })
		s.later(20 * time.Minute)
		s.wantRan(2)
		s.operate("sync", "pause")
		s.later(2 * time.Hour)
		s.wantStarted("paused", "15 13:20, 15 08:20")
		s.operate("sync", "resume")
		s.later(0)
		s.wantStarted("resumed", "15 13:40, 15 13:20, 15 08:20")
		s.wantRan(3)
		if out := strings.Join(strings.Fields(s.operate("jobs")), " "); !strings.Contains(out, "$schedule every 20m0s once 2027-01-15 15:20:00Z 2027-01-15 15:40:00Z") {
			s.Errorf("jobs: %s", out)
		}
	})
}

// What waits or runs is not started again; an event that is switched off meanwhile does
// not run.
func TestScenarioTimesWait(t *testing.T) {
	eachTimed(t, "every 1 minute", func(s *timed) {
		waits := s.scenario("import time\nwhile not env['" + s.log + "'].search_count([]):\n    time.sleep(0.05)")
		s.set(`{"$script":[{"catalogId":"$scripts","recordId":"` + waits + `"}]}`)
		s.later(time.Minute)
		s.app.hooks.Wake()
		s.eventually("a run", func() bool {
			return strings.Contains(s.call(200, "GET", "/api/v1/catalogs/$processes/records", ""), `"$status":["$running"]`)
		})
		s.later(time.Minute)
		s.wantStarted("while it runs", "15 08:01")
		s.made("POST", "/api/v1/catalogs/"+s.log+"/records", `{"values":{"1":"go on"}}`)
		s.wantRan(1)
		s.later(time.Minute)
		s.wantStarted("then", "15 08:03, 15 08:01")
		s.wantRan(2)
		s.operate("sync", "pause")
		target := s.schedules()[0].Target
		s.write(func(w catalog.Writer) error {
			return w.AddJobs(s.Context(), []job.Job{{Queue: catalog.ScenarioQueue, Target: target, Kind: "$schedule", Number: 1, Made: s.clock.Now().UnixMilli()}})
		})
		s.set(`{"$events":["$record.after.delete"],"$schedule":""}`)
		s.operate("sync", "resume")
		s.eventually("the end of the one that waits", func() bool {
			list, err := s.app.company.Jobs(s.Context(), catalog.ScenarioQueue, target, 0, 1)
			return err == nil && list[0].State == job.Dead && list[0].Number == 1 && list[0].Error == "the event is switched off or removed"
		})
		s.wantRan(2)
	})
}

// $next follows the text and the zone, that of the company where none is named.
func TestScenarioTimesMoved(t *testing.T) {
	eachTimed(t, "0 12 * * *", func(s *timed) {
		s.wantNext("the company's zone", "2027-01-16T03:00:00.000Z")
		s.set(`{"$timezone":"Europe/Kyiv"}`)
		s.wantNext("Kyiv", "2027-01-15T10:00:00.000Z")
		s.set(`{"$timezone":"America/New_York"}`)
		s.wantNext("New York", "2027-01-15T17:00:00.000Z")
		s.set(`{"$schedule":"Every  90  Minutes"}`)
		s.wantNext("an interval", "2027-01-15T09:30:00.000Z")
		s.clock.ms.Add(10 * time.Minute.Milliseconds())
		s.set(`{"$timezone":""}`)
		s.wantNext("an interval has no zone", "2027-01-15T09:30:00.000Z")
		s.later(80 * time.Minute)
		s.wantStarted("moved", "15 09:30")
		s.wantRan(1)
		s.set(`{"$events":["$record.after.delete"],"$schedule":""}`)
		s.wantNext("no schedule", "<nil>")
		s.set(`{"$events":["$record.after.delete","$schedule"],"$schedule":"0 12 * * *"}`)
		s.wantNext("again", "2027-01-16T03:00:00.000Z")
		s.end()
		s.env = append(s.env, "COMPANY_TIMEZONE=Europe/Kyiv")
		s.start()
		s.eventually("the company's new zone", func() bool { return s.next() == "2027-01-15T10:00:00.000Z" })
		s.end()
		s.clock.ms.Add(50 * time.Hour.Milliseconds())
		s.start()
		s.wantRan(2)
		s.wantStarted("three days missed", "15 10:00, 15 09:30")
		s.eventually("the next time", func() bool { return s.next() == "2027-01-18T10:00:00.000Z" })
	}, "COMPANY_TIMEZONE=Asia/Tokyo")
}

// Texts that are no schedule are refused with the field and the reason.
func TestScenarioTimesRefused(t *testing.T) {
	eachTimed(t, "0 12 * * *", func(s *timed) {
		for _, test := range []struct{ name, values, field, reason string }{
			{"no text", `{"$schedule":""}`, "$schedule", "Schedule: a value is required"},
			{"no event", `{"$events":["$record.after.create"]}`, "$events", "Events: a schedule needs the event $schedule"},
			{"no event, and off", `{"$status":["$off"],"$events":[]}`, "$events", "Events: a schedule needs the event $schedule"},
			{"four fields", `{"$schedule":"0 12 * *"}`, "$schedule", "has five fields"},
			{"a bad minute", `{"$schedule":"61 * * * *"}`, "$schedule", `is not part 1 of a cron expression`},
			{"never", `{"$schedule":"0 0 30 2 *"}`, "$schedule", "never comes due"},
			{"too often", `{"$schedule":"every 0 minutes"}`, "$schedule", "with N from 1 to 10080"},
			{"too seldom", `{"$schedule":"every 10081 minutes"}`, "$schedule", "with N from 1 to 10080"},
			{"hours", `{"$schedule":"every 2 hours"}`, "$schedule", "every N minutes"},
			{"a zone that is none", `{"$timezone":"Mars/Base"}`, "$timezone", `There is no time zone`},
			{"the machine's zone", `{"$timezone":"Local"}`, "$timezone", `There is no time zone`},
			{"a path", `{"$timezone":"../UTC"}`, "$timezone", `There is no time zone`},
		} {
			answer := s.call(400, "PATCH", s.path(), `{"values":`+test.values+`}`)
			if !strings.Contains(answer, `"fieldId":"`+test.field+`"`) || !strings.Contains(answer, test.reason) || strings.Count(answer, `"fieldId"`) != 1 {
				s.Errorf("%s: %s", test.name, answer)
			}
		}
		both := s.call(400, "PATCH", s.path(), `{"values":{"$schedule":"x","$timezone":"y"}}`)
		if strings.Count(both, `"fieldId"`) != 2 {
			s.Errorf("two mistakes: %s", both)
		}
		w := ask(s.http, "PATCH", s.path(), `{"values":{"$schedule":"every day"}}`, "Authorization", basic(), "Accept-Language", "uk")
		if w.Code != 400 || !strings.Contains(w.Body.String(), "інтервал записується як") {
			s.Errorf("in Ukrainian: %d %s", w.Code, w.Body)
		}
		s.wantNext("after all that", "2027-01-15T12:00:00.000Z")
	})
}

// A schedule is set in the transaction of its event; what differs nevertheless is put
// right at the next start.
func TestScenarioTimesKept(t *testing.T) {
	eachTimed(t, "0 12 * * *", func(s *timed) {
		before := s.schedules()
		if len(before) != 1 {
			s.Fatalf("schedules %+v", before)
		}
		st, err := s.app.Catalog.Structure(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		n, err := strconv.ParseInt(s.event, 10, 64)
		if err != nil {
			s.Fatal(err)
		}
		f := st.Catalog(catalog.Events).FieldByKey("$schedule")
		op := catalog.Update{Catalog: catalog.Events, Record: query.Key{Record: query.Record(n)}, Values: []catalog.FieldValue{{Field: f.Num, Value: catalog.Text("0 13 * * *")}}}
		crash := errors.New("crash")
		_, err = s.app.Catalog.Apply(s.Context(), catalog.Actor{System: true}, []catalog.Op{op}, func(w catalog.Writer, _ []catalog.Outcome) error {
			again := before[0]
			again.Spec.Cron, again.Next = "0 13 * * *", 1
			if next, err := w.PutSchedule(s.Context(), again); next != s.clock.Now().Add(5*time.Hour).UnixMilli() {
				s.Errorf("the transaction has a schedule for %d (%v)", next, err)
			}
			return crash
		})
		if !errors.Is(err, crash) || fmt.Sprint(s.schedules()) != fmt.Sprint(before) {
			s.Errorf("a write that failed left %+v (%v)", s.schedules(), err)
		}
		s.write(func(w catalog.Writer) error {
			stray := before[0]
			stray.Target++
			_, err := w.PutSchedule(s.Context(), stray)
			return errors.Join(err, w.DropSchedules(s.Context(), stray.Queue, before[0].Target))
		})
		s.end()
		s.start()
		s.eventually("the right schedules", func() bool { return fmt.Sprint(s.schedules()) == fmt.Sprint(before) })
		s.wantNext("put right", "2027-01-15T12:00:00.000Z")
	})
}

// write runs a transaction behind the program's back.
func (s *timed) write(fn func(w catalog.Writer) error) {
	s.Helper()
	st, err := s.app.Catalog.Structure(s.Context())
	if err == nil {
		err = s.app.company.Update(context.WithoutCancel(s.Context()), catalog.Plan{Version: st.Version}, fn)
	}
	if err != nil {
		s.Fatal(err)
	}
}
