package bpiumapi

import (
	"net/http"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/hook"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

// deliveryRoutes are those of what webhooks were told.
func (a *API) deliveryRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /webhooks/{webhook}/deliveries", Handler: righted(a.deliveries, a.mayUseHook(account.Reads))},
		{Pattern: "GET /webhooks/{webhook}/deliveries/{delivery}", Handler: righted(a.delivery, a.mayUseHook(account.Reads))},
		{Pattern: "POST /webhooks/{webhook}/deliveries/{delivery}/resend", Handler: righted(a.resend, a.mayUseHook(account.Updates))},
		{Pattern: "POST /webhooks/{webhook}/resend", Handler: righted(a.resendAll, a.mayUseHook(account.Updates))},
		{Pattern: "POST /webhooks/{webhook}/test", Handler: righted(a.testHook, a.mayUseHook(account.Updates))},
	}
}

func hookOf(r *http.Request) query.Key { return bpium.RecordKey(r.PathValue("webhook")) }

func deliveryOf(r *http.Request) int64 { return bpium.DeliveryID(r.PathValue("delivery")) }

func (a *API) mayUseHook(v account.Verbs) func(*http.Request) error {
	return func(r *http.Request) error {
		_, err := a.opt.Catalog.UseHook(r.Context(), actorOf(r), hookOf(r), v)
		return err
	}
}

func (a *API) deliveries(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	before, limit, err := bpium.DecodeDeliveries(c.params)
	if err != nil {
		return err
	}
	st, list, err := a.opt.Hooks.Deliveries(r.Context(), c.actor, hookOf(r), before, limit)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeDeliveries(dst, st, list) })
}

func (a *API) delivery(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	st, j, err := a.opt.Hooks.Delivery(r.Context(), c.actor, hookOf(r), deliveryOf(r))
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeDelivery(dst, st, j) })
}

func (a *API) resend(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	if err := a.opt.Hooks.Resend(r.Context(), c.actor, hookOf(r), deliveryOf(r)); err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]int{"queued": 1})
}

func (a *API) resendAll(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	from, to, err := bpium.DecodeResend(body, hook.ResendMost)
	if err != nil {
		return err
	}
	n, err := a.opt.Hooks.ResendAll(r.Context(), c.actor, hookOf(r), from, to)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]int{"queued": n})
}

func (a *API) testHook(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	attempt, err := a.opt.Hooks.Test(r.Context(), c.actor, hookOf(r))
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeAttempt(dst, attempt) })
}
