import { readdirSync, readFileSync } from "node:fs";

/** Ticks of /proc/PID/stat per second: USER_HZ, 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/** A process and its children (nginx works in children). */
function familyOf(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

/** User and system time that the processes have used so far, in seconds. */
export function cpuSeconds(pid) {
  const ticks = familyOf(pid).map((member) => {
    const fields = readFileSync(`/proc/${member}/stat`, "utf8").split(") ")[1].split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

/** Resident memory of the processes, in bytes. */
export function residentBytes(pid) {
  const sizes = familyOf(pid).map((member) => {
    const status = readFileSync(`/proc/${member}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  });
  return sizes.reduce((sum, each) => sum + each, 0);
}
