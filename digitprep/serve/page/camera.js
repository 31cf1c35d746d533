/** Taking a picture: with a preview where the browser gives one, else with the phone's own camera. */

import { bring } from "./bring.js";
import { find, openDialog } from "./dom.js";

const dialog = find("#camera-dialog");
const video = find("#camera-picture");
let taken = 0;

async function open() {
  // Browsers give the camera to pages of this machine or over TLS only.
  if (!navigator.mediaDevices?.getUserMedia) {
    find("#capture").click();
    return;
  }
  find("#camera-error").textContent = "";
  openDialog(dialog);
  try {
    const wanted = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    if (!dialog.open) return stop(stream); // closed while the browser was still asking
    video.srcObject = stream;
    await video.play();
    find("#shutter").disabled = false;
  } catch (error) {
    find("#camera-error").textContent = error.message;
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function shoot() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => {
    taken += 1;
    bring([new File([blob], `camera-${Date.now()}-${taken}.jpg`, { type: "image/jpeg" })]);
    dialog.close();
  }, "image/jpeg", 0.95);
}

dialog.addEventListener("close", () => {
  stop(video.srcObject);
  video.srcObject = null;
  find("#shutter").disabled = true;
});
find("#camera").onclick = open;
find("#shutter").onclick = shoot;
find("#capture").onchange = ({ target }) => {
  bring([...target.files]);
  target.value = "";
};
