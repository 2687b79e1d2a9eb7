package catalog

import (
	"context"
	"errors"
	"slices"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxAttempts bounds how often Apply plans again because a record changed
// between the plan and the transaction.
const maxAttempts = 50

// maxDepth bounds how deep operations on linked records may nest.
const maxDepth = 5

// maxComment is the longest comment or message in characters.
const maxComment = 10_000

// Apply carries out the operations in order, all or none, and is the only way
// to write records. Everything is read, checked and worked out before the
// transaction, which only compares the records' versions. alongside, if not
// nil, joins the transaction and may run twice.
//
// It fails with ValidationFailed (all fields of the first operation that is not
// valid; Data has its index under "operation" when there are several),
// NotFound, Forbidden, UnknownField, FieldHidden, FieldReadonly, InvalidID,
// DuplicateID, Duplicate, LastAdmin, MethodNotAllowed, Conflict, Rejected,
// ModuleNotLicensed, KeepsChanging, and the faults of alongside; with an actor that
// names a structure, ErrStale as well.
func (s *Service) Apply(ctx context.Context, a Actor, ops []Op, alongside func(Writer, []Outcome) error) ([]Outcome, error) {
	outcomes, asked, err := s.attempt(ctx, a, ops, alongside)
	for n := 1; asked && again(a, err); n++ {
		if n == askedMost {
			return nil, changedMeanwhile()
		}
		outcomes, asked, err = s.attempt(ctx, a, ops, alongside)
	}
	if !again(a, err) {
		return outcomes, err
	}
	// Writers of one record that met each other queue up: without that, of n
	// writers one gets through per round and the last ones give up.
	// Whoever somebody waits for does not queue up behind him.
	if !a.Asked {
		s.contending.Lock()
		defer s.contending.Unlock()
	}
	for range maxAttempts {
		if outcomes, asked, err = s.attempt(ctx, a, ops, alongside); asked || !again(a, err) {
			break
		}
	}
	switch {
	case !again(a, err):
		return outcomes, err
	case asked: // answers are not waited for in the queue again
		return nil, changedMeanwhile()
	}
	return nil, fault.New(fault.Conflict, "Others keep changing these records; try again")
}

// again tells whether to plan again; with another structure only for an actor
// who does not name one.
func again(a Actor, err error) bool {
	return errors.Is(err, ErrMoved) || a.Under == nil && errors.Is(err, ErrStale)
}

// attempt plans the operations and writes them; asked tells that subscriptions were
// asked about them.
func (s *Service) attempt(ctx context.Context, a Actor, ops []Op, alongside func(Writer, []Outcome) error) (list []Outcome, asked bool, err error) {
	w, err := s.workOut(ctx, a, ops)
	if err != nil {
		return nil, w != nil && w.asked, err
	}
	w.outcomes, w.alongside = w.planner.outcomes(len(ops)), alongside
	if err := w.finish(ctx); err != nil {
		return nil, w.asked, err
	}
	return w.outcomes, w.asked, nil
}

// workOut is all of the work before the transaction, the questions to subscriptions
// among it: when they want other values it is done once more. What it gives with an
// error tells whether somebody was asked.
func (s *Service) workOut(ctx context.Context, a Actor, ops []Op) (*writing, error) {
	if err := s.confirmFiles(ctx, a, namedFiles(ops)); err != nil {
		return nil, err
	}
	w, err := s.prepare(ctx, a, ops, nil)
	if err != nil {
		return nil, err
	}
	wanted, err := w.ask(ctx)
	if err != nil || wanted == nil {
		return w, err
	}
	filled, err := s.prepare(ctx, a, ops, wanted)
	if err != nil {
		return w, err
	}
	filled.asked = true
	return filled, nil
}

// prepare works out what is written.
func (s *Service) prepare(ctx context.Context, a Actor, ops []Op, wanted *filling) (*writing, error) {
	p := &planner{s: s, actor: a, filling: wanted}
	if err := s.viewAs(ctx, a, func(st *Structure, r Reader) error { return p.plan(ctx, st, r, ops) }); err != nil {
		return nil, err
	}
	if err := p.compile(ctx, len(ops)); err != nil {
		return nil, err
	}
	if err := p.number(ctx); err != nil {
		return nil, err
	}
	messages, err := p.messages(ctx)
	if err != nil {
		return nil, err
	}
	accounts, err := p.accountEdits(ctx)
	if err != nil {
		return nil, err
	}
	return &writing{
		planner: p, mutations: p.mutations(), files: p.fileWrites(), subscriptions: p.subscriptions(), messages: messages,
		accounts: accounts, claimed: p.claims(),
	}, nil
}

// finish is the transaction and what follows it.
func (w *writing) finish(ctx context.Context) error {
	if err := w.commit(ctx); err != nil {
		return w.explain(ctx, err)
	}
	w.s.wakeWatchers()
	if fired(w.mutations) {
		w.s.wakeFollower()
	}
	w.wakeScheduler()
	w.auditEmployees(ctx)
	w.auditAccounts(ctx)
	if len(w.messages)+len(w.accounts) > 0 {
		w.s.relayNow(ctx)
	}
	return nil
}

// explain turns the store's refusals into what the caller or Apply acts on.
func (p *planner) explain(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrCodeTaken):
		return fault.Wrap(err, fault.DuplicateID, "Another record of the catalog has this id")
	case errors.Is(err, ErrStale):
		if _, err := p.s.reload(ctx, p.st); err != nil {
			return err
		}
	}
	return err
}

// writing is what goes into the transaction.
type writing struct {
	*planner
	mutations []Mutation
	files     []FileWrite
	// subscriptions are to the chats of the records that are written.
	subscriptions []Subscription
	messages      []employeeMessage
	accounts      []accountEdit
	claimed       []claim
	outcomes      []Outcome
	alongside     func(Writer, []Outcome) error
	asked         bool      // subscriptions were asked about it
	begun         time.Time // when the transaction ran, the last time
}

func (w *writing) commit(ctx context.Context) error {
	if len(w.mutations) == 0 && len(w.messages)+len(w.accounts) == 0 && !w.comments && w.alongside == nil {
		return nil
	}
	plan := Plan{Version: w.st.Version, Class: w.class(), Catalogs: w.catalogs(), Volatile: w.actor.Volatile}
	return w.s.store.Update(ctx, plan, func(tx Writer) error { return w.write(ctx, tx) })
}

// class gives operators' imports the second place. Logins and some texts must
// be unique and one login must remain, which two transactions at once could not
// both see: such changes exclude each other.
func (w *writing) class() Class {
	switch {
	case len(w.messages)+len(w.accounts)+len(w.claimed) > 0:
		return Reshape
	case w.actor.Origin == "import":
		return Job
	}
	return Interactive
}

func (w *writing) catalogs() []query.Catalog {
	list := make([]query.Catalog, 0, len(w.needs))
	for _, n := range w.needs {
		list = append(list, n.catalog.Num)
	}
	if len(w.accounts) > 0 && !slices.Contains(list, Employees) {
		list = append(list, Employees)
	}
	return list
}

func (w *writing) write(ctx context.Context, tx Writer) error {
	w.begun = w.s.options.Now()
	if len(w.files) > 0 {
		if err := tx.WriteFiles(ctx, w.files); err != nil {
			return err
		}
	}
	if w.isAll() {
		tx.Last()
	}
	if err := tx.Write(ctx, w.mutations); err != nil {
		return err
	}
	if len(w.subscriptions) > 0 {
		if err := tx.Subscribe(ctx, w.subscriptions); err != nil {
			return err
		}
	}
	if err := w.bumpRights(ctx, tx); err != nil {
		return err
	}
	if err := w.maskMade(ctx, tx); err != nil {
		return err
	}
	if err := w.comment(ctx, tx); err != nil {
		return err
	}
	if err := w.checkClaims(ctx, tx); err != nil {
		return err
	}
	if err := w.enqueueAccounts(ctx, tx); err != nil {
		return err
	}
	if err := w.enqueue(ctx, tx); err != nil {
		return err
	}
	if err := w.schedule(ctx, tx); err != nil {
		return err
	}
	if w.alongside == nil {
		return nil
	}
	return w.alongside(tx, w.outcomes)
}

// isAll tells that nothing follows the mutations in the transaction; files come
// before them.
func (w *writing) isAll() bool {
	return w.alongside == nil && len(w.messages)+len(w.subscriptions)+len(w.accounts)+len(w.claimed) == 0 &&
		!w.comments && !w.looksBack() && !w.regroups() && !w.rewritesHooks()
}

func (w *writing) comment(ctx context.Context, tx Writer) error {
	if !w.comments {
		return nil
	}
	for _, st := range w.steps {
		if st.kind != commentStep {
			continue
		}
		id, err := tx.AddHistory(ctx, &HistoryRow{
			Catalog: st.subject.catalog.Num, Record: st.subject.record, At: w.moment.Now,
			Actor: w.actor.Employee, Kind: Commented, Payload: commentJSON(st.text),
		})
		if err != nil {
			return err
		}
		w.outcomes[st.op].History = id
	}
	return nil
}

// Reserve takes n record numbers of a catalog for later creates, the first of
// which it gives. Numbers not used stay unused.
func (s *Service) Reserve(ctx context.Context, a Actor, c query.Catalog, n int) (query.Record, error) {
	err := s.retry(ctx, func(st *Structure) error {
		access, err := s.access(ctx, st, nil, a)
		if err == nil {
			_, err = makeIn(st, access, c)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return s.store.Reserve(ctx, c, n)
}
