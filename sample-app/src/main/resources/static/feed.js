/** Points as they are stored, by server-sent events; batches them for a frame. */
export class Feed {
  constructor(onPoints, onState) {
    this.pending = [];
    const source = new EventSource("api/stream");
    source.onopen = () => onState(true);
    source.onerror = () => onState(false);
    source.onmessage = (event) => {
      if (this.pending.length === 0) {
        requestAnimationFrame(() => {
          const points = this.pending;
          this.pending = [];
          onPoints(points);
        });
      }
      this.pending.push(JSON.parse(event.data));
    };
  }
}

export async function getJson(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) {
    throw new Error(url + " answered " + response.status);
  }
  return response.json();
}

export async function history(name, from) {
  const answer = await getJson(
    "api/series/" + encodeURIComponent(name) + "?from=" + Math.floor(from),
  );
  return answer.points;
}
