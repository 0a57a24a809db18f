// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that is notified of changes of the shared counter through a function
 * pointer. It pins the exporter while it is loaded, and is not notified afterwards.
 */
#include <signal.h>
#include <sys/wait.h>

#include "device.h"
#include "image.h"
#include "kmsg.h"

static struct image image;

/* The exporter and the listener are loaded. */
FIXTURE(notifier) {
	int kmsg;
};

FIXTURE_SETUP(notifier)
{
	skip_if(_metadata, kmsg_unusable());
	skip_if(_metadata, image_unusable(&image, NOTIFIER));
	setup_modules(_metadata, MODULE_COUNTER | MODULE_INC | MODULE_DEC, MODULE_COUNTER);
	ASSERT_EQ(0, image_load(&image, ""));
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN_PARENT(notifier)
{
	module_unload(NOTIFIER);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(notifier, receives_the_new_value_of_each_change)
{
	ASSERT_EQ(0, module_load("lkmdemo_inc", ""));
	ASSERT_EQ(0, module_load("lkmdemo_dec", ""));

	EXPECT_LINE(self->kmsg, NOTIFIER, LEVEL_INFO, "told 1");
	EXPECT_LINE(self->kmsg, NOTIFIER, LEVEL_INFO, "told 0");
	EXPECT_NO_LINE(self->kmsg, NOTIFIER);
}

TEST_F(notifier, keeps_the_exporter)
{
	struct module_line line;

	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo_counter"));
	ASSERT_TRUE(module_line_read("lkmdemo_counter", &line));
	EXPECT_STREQ(NOTIFIER ",", line.users);
}

TEST_F(notifier, can_be_unloaded_at_any_time)
{
	EXPECT_EQ(0, module_unload(NOTIFIER));
	EXPECT_EQ(0, module_unload("lkmdemo_counter"));
}

TEST_F(notifier, receives_nothing_after_its_unload)
{
	ASSERT_EQ(0, module_unload(NOTIFIER));

	ASSERT_EQ(0, module_load("lkmdemo_inc", ""));
	EXPECT_NO_LINE(self->kmsg, NOTIFIER);
}

/* An unload unmaps the code of the module: a call after that would crash. */
TEST_F(notifier, loads_and_unloads_while_the_counter_changes)
{
	pid_t changer;
	int i;

	use_all_processors(_metadata);
	changer = fork();
	ASSERT_LE(0, changer);
	if (!changer) {
		while (!module_load("lkmdemo_inc", "") && !module_unload("lkmdemo_inc"))
			;
		_exit(1);
	}

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, module_unload(NOTIFIER));
		ASSERT_EQ(0, image_load(&image, ""));
	}

	ASSERT_EQ(0, kill(changer, SIGKILL));
	ASSERT_EQ(changer, waitpid(changer, NULL, 0));
}

TEST_HARNESS_MAIN
