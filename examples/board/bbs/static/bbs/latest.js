// Fills the page "Latest" from the board's API.
const list = document.getElementById("latest");
const note = document.getElementById("latest-note");

async function show() {
  const answer = await fetch(list.dataset.source, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`The API answered ${answer.status}.`);
  const topics = await answer.json();
  for (const topic of topics) {
    const link = Object.assign(document.createElement("a"), { href: topic.url, textContent: topic.title });
    const item = document.createElement("li");
    item.append(link, ` by ${topic.author_name}`);
    list.append(item);
  }
  note.textContent = topics.length ? "" : "Nothing on the board yet.";
}

show().catch((error) => {
  note.textContent = `${error.message} It runs on Lambda, and here with: uvicorn config.asgi:application`;
});
