namespace Convoy.Metrics.Tests;

public sealed class ShellCommandTests
{
    [Theory]
    [InlineData("convoy launch --nproc 2 -- train.py --lr=0.1", "convoy", "launch", "--nproc", "2", "--", "train.py", "--lr=0.1")]
    [InlineData("sh -c 'sleep 1; echo $HOME' ''", "sh", "-c", "sleep 1; echo $HOME", "")]
    [InlineData(@"echo 'it'\''s' '*' 'größe'", "echo", "it's", "*", "größe")]
    public void Join_Words_IsALineThatAShellSplitsIntoThem(string expected, params string[] words) => Assert.Equal(expected, ShellCommand.Join(words));
}
