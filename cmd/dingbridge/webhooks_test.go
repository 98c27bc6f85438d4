package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"dingbridge/dingtalk"
)

// robotAddress is where DingTalk would serve a group's robot.
func robotAddress(token string) string {
	return "https://oapi.dingtalk.com/robot/send?access_token=" + token
}

func robot(t *testing.T, name, token, secret string) dingtalk.Webhook {
	t.Helper()
	w, err := dingtalk.NewWebhook(name, robotAddress(token), secret)
	must(t, err)
	return w
}

func TestWebhooks(t *testing.T) {
	address, secret := file(t, "address", robotAddress("from-a-file")+"\n"), file(t, "secret", "SECfile\n")
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		want Webhooks
	}{
		"none":     {"dingtalk: {webhooks: {}}", nil, Webhooks{}},
		"nothing":  {"dingtalk:\n  webhooks:\n", nil, Webhooks{}},
		"an alias": {"dingtalk:\n  webhooks:\n    a: &one {url: '" + robotAddress("t1") + "'}\n    b: *one\n", nil, Webhooks{"a": robot(t, "a", "t1", ""), "b": robot(t, "b", "t1", "")}},
		"in the file": {
			"dingtalk:\n  webhooks:\n    sales: {url: '" + robotAddress("t1") + "', secret: 0123}\n    ware-house: {url_file: " + address + ", secret_file: " + secret + "}\n", nil,
			Webhooks{"sales": robot(t, "sales", "t1", "0123"), "ware-house": robot(t, "ware-house", "from-a-file", "SECfile")},
		},
		"in the environment": {"", map[string]string{
			"DINGBRIDGE_DINGTALK_WEBHOOKS":                "sales, ware-house",
			"DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL_FILE": address, "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_SECRET": "SECenv",
			"DINGBRIDGE_DINGTALK_WEBHOOKS_WARE_HOUSE_URL": robotAddress("t2"), "DINGBRIDGE_DINGTALK_WEBHOOKS_WARE_HOUSE_SECRET_FILE": secret,
		}, Webhooks{"sales": robot(t, "sales", "from-a-file", "SECenv"), "ware-house": robot(t, "ware-house", "t2", "SECfile")}},
		"the environment wins": {"dingtalk: {webhooks: {sales: {url_file: nowhere, secret: SECold}, b: {}}}", map[string]string{
			"DINGBRIDGE_DINGTALK_WEBHOOKS": "sales", "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL": robotAddress("t2"),
		}, Webhooks{"sales": robot(t, "sales", "t2", "SECold")}},
		"secrets in the environment": {
			"dingtalk: {webhooks: {sales: }}",
			map[string]string{"DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL": robotAddress("t2")},
			Webhooks{"sales": robot(t, "sales", "t2", "")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := load(t, c.text, c.env)
			must(t, err)
			if len(s.DingTalk.Webhooks) != len(c.want) {
				t.Fatalf("%v, not %v", s.DingTalk.Webhooks, c.want)
			}
			for name, want := range c.want {
				if s.DingTalk.Webhooks[name] != want {
					t.Errorf("%s is another one", name)
				}
			}
		})
	}
}

// Whatever is wrong is told with its line and without what may be a secret.
func TestWrongWebhooks(t *testing.T) {
	const token = "hunter2hunter2"
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		want []string
	}{
		"no address":       {"dingtalk:\n  webhooks:\n    sales: {secret: " + token + "}\n", nil, []string{"config.yaml:3: dingtalk.webhooks.sales lacks its address", "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL_FILE"}},
		"another address":  {"dingtalk:\n  webhooks:\n    sales: {url: 'https://oapi.dingtalk.com/topapi?access_token=" + token + "'}\n", nil, []string{"config.yaml:3: dingtalk.webhooks.sales.url: not the address"}},
		"no URL":           {"dingtalk: {webhooks: {sales: {url: 'https://me:" + token + "@x:y:z'}}}\n", nil, []string{"config.yaml:1: dingtalk.webhooks.sales.url: not the address"}},
		"the address only": {"dingtalk:\n  webhooks:\n    sales: '" + robotAddress(token) + "'\n", nil, []string{"config.yaml:3: dingtalk.webhooks: sales must be keys with values: url"}},
		"a text":           {"dingtalk:\n  webhooks: '" + robotAddress(token) + "'\n", nil, []string{"config.yaml:2: dingtalk.webhooks: must be names with an address each"}},
		"a wrong name":     {"dingtalk:\n  webhooks:\n    '" + robotAddress(token) + "': {}\n", nil, []string{"config.yaml:3: dingtalk.webhooks: the name of a webhook has small letters"}},
		"a wrong key":      {"dingtalk:\n  webhooks:\n    sales:\n      ulr: " + token + "\n", nil, []string{"config.yaml:4: dingtalk.webhooks: sales has no setting of this name; there are url, url_file, secret, secret_file"}},
		"a list":           {"dingtalk:\n  webhooks:\n    sales:\n      url: [" + token + "]\n", nil, []string{"config.yaml:4: dingtalk.webhooks: the url of sales must be a text"}},
		"both forms":       {"dingtalk:\n  webhooks:\n    sales:\n      url: " + robotAddress(token) + "\n      url_file: x\n", nil, []string{"config.yaml:5: dingtalk.webhooks.sales.url and dingtalk.webhooks.sales.url_file: only one"}},
		"no such file":     {"dingtalk:\n  webhooks:\n    sales:\n      url_file: nowhere\n", nil, []string{"config.yaml:4: dingtalk.webhooks.sales.url_file: ", "no such file"}},
		"two with one variable": {
			"dingtalk:\n  webhooks:\n    a-b: {url: '" + robotAddress(token) + "'}\n    a_b: {url: '" + robotAddress(token) + "'}\n", nil,
			[]string{"config.yaml:4: dingtalk.webhooks.a_b: the environment calls it as a-b"},
		},
		"an address in the list of names": {"", map[string]string{"DINGBRIDGE_DINGTALK_WEBHOOKS": robotAddress(token)}, []string{"dingtalk.webhooks", "small letters"}},
		"a name without an address":       {"", map[string]string{"DINGBRIDGE_DINGTALK_WEBHOOKS": "sales"}, []string{"dingtalk.webhooks.sales lacks its address"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.text, c.env)
			if err == nil {
				t.Fatal("no complaint")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the token is in: %v", err)
			}
		})
	}
}

func TestAWebhookPrintsAsItsName(t *testing.T) {
	s, err := load(t, "dingtalk: {webhooks: {sales: {url: '"+robotAddress("hunter2")+"', secret: hunter3}}}", nil)
	must(t, err)
	js, err := json.Marshal(s)
	must(t, err)
	out := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		out += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, s.DingTalk.Webhooks) + fmt.Sprintf(verb, s.DingTalk.Webhooks["sales"])
	}
	for _, secret := range []string{"hunter2", "hunter3", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter3")} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is in: %s", secret, out)
		}
	}
	if !strings.Contains(out, "webhook sales") {
		t.Errorf("the name is not in: %s", out)
	}
}
