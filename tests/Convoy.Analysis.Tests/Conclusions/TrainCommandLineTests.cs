using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Tests.Conclusions;

public sealed class TrainCommandLineTests
{
    [Theory]
    [InlineData(3, "fp32", "convoy train --data DIR --nproc 3 --precision fp32 --batch-size 9")]
    [InlineData(16, "bf16", "convoy train --data DIR --nproc 16 --precision bf16 --batch-size 16")]
    [InlineData(4, "int4", "convoy train --data DIR --nproc 4 --batch-size 8")]
    public void Command_OfAPlainTime_LeavesTheRestToDefaults(int processes, string precision, string expected) =>
        Assert.Equal(expected, Command(Times.Run(new Configuration(processes, null, precision), 1)));

    [Fact]
    public void Command_OfARun_HasWhatItRecorded() => Assert.Equal(
        "convoy train --data '/my data' --nproc 2 --threads 1 --precision bf16 --batch-size 8 --encoder resnet18 --image-size 256x128 --channels-last true --no-sync-bn --augment",
        Command(Times.Run(new Configuration(2, 1, "bf16"), 1) with
        {
            BatchSize = 8,
            Settings = new Dictionary<string, string>
            {
                ["data"] = "/my data", ["encoder"] = "ResNet18", ["image_size"] = "256x128", ["channels_last"] = "true", ["sync_bn"] = "false", ["augment"] = "true",
            },
        }));

    private static string Command(Run run) => Recommendation.Of(RunSet.Of([run])).Command;
}
