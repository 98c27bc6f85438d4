package odootest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// method is a public method of a model as XML-RPC reaches it (odoo/api.py, call_kw).
type method struct {
	params []string // after ids, if multi
	need   int      // how many of params have no default
	multi  bool     // the first argument is ids
	loose  bool     // further keyword arguments are accepted
	run    func(*call) (any, error)
}

// call is one method call with its arguments bound to names.
type call struct {
	e    *env
	m    *model
	ids  []int64
	args map[string]any
}

func (c *call) arg(name string) any { return c.args[name] }

func (c *call) intArg(name string) int64 { n, _ := toInt(c.args[name]); return n }

func (c *call) textArg(name string) string { s, _ := c.args[name].(string); return s }

// execute is execute_kw below the log-in: method names, models, contexts and arguments as Odoo checks them.
func (e *env) execute(model, name string, args []any, kwargs map[string]any) (any, error) {
	if strings.HasPrefix(name, "_") {
		return nil, accessFault("Private methods (such as " + name + ") cannot be called remotely.")
	}
	m := e.model(model)
	if m == nil {
		return nil, userFault("Object %s doesn't exist", model)
	}
	meth, ok := methodOf(m, name)
	if !ok {
		return nil, pythonFault("AttributeError", fmt.Sprintf("type object '%s' has no attribute '%s'", model, name))
	}
	kwargs = maps.Clone(kwargs)
	switch ctx := kwargs["context"].(type) {
	case nil:
	case map[string]any:
		e.context = ctx
	case string:
		return nil, rawFault("ValueError: dictionary update sequence element #0 has length 1; 2 is required")
	default:
		return nil, rawFault("TypeError: '" + pyType(ctx) + "' object is not iterable")
	}
	delete(kwargs, "context")
	c := &call{e: e, m: m}
	if meth.multi {
		if len(args) == 0 {
			return nil, rawFault("IndexError: tuple index out of range")
		}
		if b := behaviourOf(m.name); b.realIDs != nil {
			args[0] = b.realIDs(args[0])
		}
		ids, ok := toIDs(args[0])
		if !ok {
			return nil, pythonFault("psycopg2.ProgrammingError", "can't adapt type 'dict'")
		}
		c.ids, args = ids, args[1:]
	}
	if err := c.bind(name, meth, args, kwargs); err != nil {
		return nil, err
	}
	return meth.run(c)
}

// bind is Python's binding of positional and keyword arguments.
func (c *call) bind(name string, meth method, args []any, kwargs map[string]any) error {
	c.args = map[string]any{}
	if len(args) > len(meth.params) && !meth.loose {
		return pythonFault("TypeError", fmt.Sprintf("%s() takes %d positional arguments but %d were given", name, len(meth.params)+1, len(args)+1))
	}
	for i, v := range args {
		if i < len(meth.params) {
			c.args[meth.params[i]] = v
		}
	}
	for _, k := range sortedKeys(kwargs) {
		if !slices.Contains(meth.params, k) && !meth.loose {
			return pythonFault("TypeError", fmt.Sprintf("%s() got an unexpected keyword argument '%s'", name, k))
		}
		if _, twice := c.args[k]; twice {
			return pythonFault("TypeError", fmt.Sprintf("%s() got multiple values for argument '%s'", name, k))
		}
		c.args[k] = kwargs[k]
	}
	for _, p := range meth.params[:meth.need] {
		if _, ok := c.args[p]; !ok {
			return pythonFault("TypeError", fmt.Sprintf("%s() missing 1 required positional argument: '%s'", name, p))
		}
	}
	return nil
}

func methodOf(m *model, name string) (method, bool) {
	if meth, ok := behaviourOf(m.name).methods[name]; ok {
		return meth, true
	}
	if meth, ok := threadMethods[name]; ok && m.field("message_ids") != nil {
		return meth, true
	}
	if name == "toggle_active" && m.field("active") == nil {
		return method{}, false
	}
	meth, ok := ormMethods[name]
	return meth, ok
}

// domainArg reads a domain argument with the complaints its misuse gets.
func (c *call) domainArg(name string) ([]any, error) {
	switch v := c.args[name].(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	case map[string]any:
		if len(v) > 0 {
			return nil, rawFault("KeyError: 0")
		}
	case string:
		if v != "" {
			return nil, rawFault("AssertionError: Domains to normalize must have a 'domain' form: a list or tuple of domain components")
		}
	}
	return nil, nil
}

func (c *call) names(name string) ([]string, error) {
	list, ok := c.args[name].([]any)
	if !ok {
		if truthy(c.args[name]) {
			return nil, rawFault("TypeError: 'int' object is not iterable")
		}
		return nil, nil
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, rawFault("TypeError: unhashable type: '" + pyType(v) + "'")
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *call) searchArgs(domain string) ([]int64, error) {
	d, err := c.domainArg(domain)
	if err != nil {
		return nil, err
	}
	order, _ := c.arg("order").(string)
	return c.e.search(c.m, d, searchOptions{order: order, offset: c.intArg("offset"), limit: c.intArg("limit")})
}
