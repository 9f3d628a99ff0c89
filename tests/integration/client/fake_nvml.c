/* A FAKE of NVIDIA's libnvidia-ml, for a machine without a GPU: three cards, of which the second may not be
 * opened, as in a sandbox that was not granted it. It says nothing about what a real driver does. */

#include <stdio.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NO_PERMISSION = 4, CARDS = 3 };
static int cards[CARDS] = {0, 1, 2};

int nvmlInitWithFlags(unsigned flags) { return SUCCESS; }
int nvmlInit_v2(void) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return "an error of the fake NVML"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
  *count = CARDS;
  return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, int **card) {
  *card = &cards[index];
  return index == 1 ? NO_PERMISSION : SUCCESS;
}

int nvmlDeviceGetUUID(int *card, char *text, unsigned length) {
  snprintf(text, length, "GPU-fake-%d", *card);
  return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(int *card, struct { unsigned gpu, memory; } *used) {
  used->gpu = 11 * (*card + 1);
  used->memory = 5;
  return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(int *card, struct { unsigned long long total, free, used; } *memory) {
  memory->total = 80ULL << 30;
  memory->used = (unsigned long long)(*card + 1) << 30;
  memory->free = memory->total - memory->used;
  return SUCCESS;
}

int nvmlDeviceGetMaxPcieLinkGeneration(int *card, unsigned *generation) {
  *generation = 4;
  return SUCCESS;
}

int nvmlDeviceGetMaxPcieLinkWidth(int *card, unsigned *width) {
  *width = 16;
  return SUCCESS;
}

int nvmlDeviceGetPcieThroughput(int *card, int which, unsigned *value) {
  *value = 1000;
  return SUCCESS;
}

int nvmlDeviceGetNvLinkVersion(int *card, unsigned link, unsigned *version) { return NOT_SUPPORTED; }
