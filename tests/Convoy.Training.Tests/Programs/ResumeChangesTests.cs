using Convoy.Training.Options;
using Convoy.Training.Programs;

namespace Convoy.Training.Tests.Programs;

public sealed class ResumeChangesTests
{
    [Theory]
    [InlineData("auto", "fixed", "--fuse auto -> fixed: from here on the run is equal to rounding only, not to the bit")]
    [InlineData("norm, loss", "none", "--fuse norm,loss -> none: from here on the run is equal to rounding only, not to the bit")]
    [InlineData("auto", "auto", null)]
    [InlineData("all", "fixed", null)] // as runs called it before there was a choice
    public void Describe_OtherKernels_SaysSo(string before, string now, string? expected) =>
        Assert.Equal(
            expected is null ? [] : [expected],
            ResumeChanges.Describe(new TrainingOptions { Fuse = FuseSetting.Parse(before) }, new TrainingOptions { Fuse = FuseSetting.Parse(now) }, "image"));
}
