-- Health of an EtcdRestore for Argo CD: `obj` is the object, the answer a table with status and message.
local hs = { status = "Progressing", message = "Waiting for the operator" }
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if (obj.status.observedGeneration or 0) < (obj.metadata.generation or 0) then
  hs.message = "The operator has not seen the last change yet"
  return hs
end

local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
local function is(name)
  return found[name] ~= nil and found[name].status == "True"
end

local ready = found["Ready"] or {}
local told = (ready.reason or "") .. ": " .. (ready.message or "")
if is("Succeeded") then
  hs.status = "Healthy"
  hs.message = "Restored and verified"
elseif is("Failed") or is("Stalled") then
  hs.status = "Degraded"
  hs.message = told
elseif obj.status.phase == "AwaitingApproval" then
  hs.status = "Suspended"
  local hash = obj.status.plan ~= nil and obj.status.plan.hash or "status.plan.hash"
  hs.message = "Read status.plan, then set spec.approvedPlan: " .. hash
elseif ready.reason == "Paused" then
  hs.status = "Suspended"
  hs.message = told
else
  hs.message = (obj.status.phase or "Pending") .. " " .. (obj.status.progress or "") .. " " .. told
end
return hs
