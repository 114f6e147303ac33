"use strict";
const live = document.getElementById("live");
const link = document.getElementById("link");
const events = new EventSource("/events");
events.onmessage = (event) => {
  live.innerHTML = event.data;
  link.textContent = "";
};
events.onerror = () => {
  link.textContent = "The connection is lost; what is shown may be old.";
};
