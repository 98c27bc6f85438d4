package dingtalktest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	spaceID      = 24_000_001 // of the files of approvals (审批钉盘空间)
	fileLifetime = 15 * time.Minute
	filePath     = "/approval-files/{fileId}"
)

// fileSpace is POST /v1.0/workflow/processInstances/spaces/infos/query (获取审批钉盘空间信息).
func (s *Server) fileSpace(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "userId"); no != nil {
		return nil, no
	}
	if s.dir.users[c.params.text("userId")] == nil {
		return nil, flowRefusal(60121, "userNotExist", "用户不存在")
	}
	if id, ok := c.params.number("agentId"); c.params.has("agentId") && (!ok || id != s.agentID) {
		return nil, flowRefusal(40056, "invalidAgentId", "agentId不合法")
	}
	return map[string]any{"success": true, "result": map[string]any{"spaceId": spaceID}}, nil
}

// oldFileSpace is /topapi/processinstance/cspace/info (获取审批钉盘空间信息).
func (s *Server) oldFileSpace(c *call) (any, *Refusal) {
	if s.dir.users[c.params.text("user_id")] == nil {
		return nil, refuse(60121)
	}
	return map[string]any{"space_id": spaceID}, nil
}

// fileURL is POST /v1.0/workflow/processInstances/spaces/files/urls/download (下载审批附件).
func (s *Server) fileURL(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "processInstanceId", "fileId"); no != nil {
		return nil, no
	}
	url, no := s.fileLink(c, c.params.text("processInstanceId"), c.params.text("fileId"))
	if no != nil {
		return nil, no
	}
	return map[string]any{"success": true, "result": map[string]any{
		"spaceId": spaceID, "fileId": c.params.text("fileId"), "downloadUri": url,
	}}, nil
}

// oldFileURL is /topapi/processinstance/file/url/get (下载审批附件).
func (s *Server) oldFileURL(c *call) (any, *Refusal) {
	p := wrapped(c.params)
	url, no := s.fileLink(c, p.text("process_instance_id"), p.text("file_id"))
	if no != nil {
		return nil, no
	}
	return map[string]any{"space_id": spaceID, "file_id": p.text("file_id"), "download_uri": url}, nil
}

// fileLink is where a file of an instance can be read for a quarter of an hour.
func (s *Server) fileLink(c *call, id, file string) (string, *Refusal) {
	in := s.seen(id, c.horizon)
	if in == nil {
		return "", flowRefusal(820004, "processInstanceNotExist", "审批实例不存在")
	}
	if !slices.ContainsFunc(in.files(), func(f map[string]any) bool { return asText(f["fileId"]) == file && asText(f["fileSize"]) != "0" }) {
		return "", invalid("fileId")
	}
	expires := c.now.Add(fileLifetime).UnixMilli()
	return fmt.Sprintf("http://%s/approval-files/%s?expires=%d", c.request.Host, file, expires), nil
}

// files are the attachments of the form.
func (in *instance) files() (out []map[string]any) {
	for _, v := range in.Form {
		var list []map[string]any
		if v.Type == "DDAttachment" && parseJSON(v.Value, &list) == nil {
			out = append(out, list...)
		}
	}
	return out
}

// serveFile is where the links of fileLink lead; what the file holds is its own id.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	expires, err := strconv.ParseInt(r.URL.Query().Get("expires"), 10, 64)
	if err != nil || !s.now().Before(time.UnixMilli(expires)) {
		http.Error(w, "expired", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.WriteString(w, r.PathValue("fileId")) // a caller that went away is no error of ours
}
